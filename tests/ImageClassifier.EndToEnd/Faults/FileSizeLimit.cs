using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Acts like a full disk if none can be mounted: the system refuses to grow any file of the processes of a
/// data folder.</summary>
internal sealed class FileSizeLimit : IFillableDisk
{
    private const int SigXfsz = 25;
    private const nint Ignore = 1;

    private readonly HashSet<int> _limited = [];

    public FileSizeLimit()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only Linux limits the files of a process that runs");
        // A write past the limit raises a signal, which ends a process that does not ignore it. Child processes inherit
        // that they ignore the signal. So their writes only fail, as on a full disk.
        _ = Signal(SigXfsz, Ignore);
        Folder = Directory.CreateTempSubdirectory("image-classifier-").FullName;
    }

    public string Folder { get; }

    public void Fill()
    {
        foreach (var id in Processes().Where(_limited.Add)) Limit(id, "0:");
    }

    public void Free()
    {
        // All processes, because a node that was started meanwhile has inherited the limit.
        foreach (var id in Processes()) Limit(id, "unlimited:");
        _limited.Clear();
    }

    public void Dispose()
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    private IEnumerable<int> Processes() =>
        new[] { "web", "node" }.SelectMany(verb => ProcessTable.Running(Folder, verb));

    private static void Limit(int process, string softOnly)
    {
        using var prlimit = Process.Start(
            "prlimit", ["--pid", process.ToString(CultureInfo.InvariantCulture), $"--fsize={softOnly}"]);
        prlimit.WaitForExit();
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Signal(int signal, nint handler);
}
