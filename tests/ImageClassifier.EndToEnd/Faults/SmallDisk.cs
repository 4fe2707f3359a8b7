using System.Diagnostics;
using System.Globalization;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>A separate disk for a data folder, small enough to fill: a file system in memory.</summary>
internal sealed class SmallDisk : IFillableDisk
{
    private readonly string _ballast;

    private SmallDisk(string mountPoint)
    {
        MountPoint = mountPoint;
        Folder = Directory.CreateDirectory(Path.Combine(mountPoint, "data")).FullName;
        _ballast = Path.Combine(mountPoint, "ballast");
    }

    public string Folder { get; }

    private string MountPoint { get; }

    /// <summary>Mounts a disk; null if this user may not mount.</summary>
    public static SmallDisk? TryMount(int mebibytes)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var folder = Directory.CreateTempSubdirectory("image-classifier-disk-").FullName;
        var size = string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m");
        if (Run("mount", "-t", "tmpfs", "-o", size, "tmpfs", folder)) return new SmallDisk(folder);
        Directory.Delete(folder);
        return null;
    }

    public void Fill()
    {
        using var ballast = new FileStream(_ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var block = 1024 * 1024; block > 0; block /= 32)
        {
            var zeros = new byte[block];
            try
            {
                while (true) ballast.Write(zeros);
            }
            catch (IOException)
            {
                // The disk is full for blocks of this size.
            }
        }
    }

    public void Free() => File.Delete(_ballast);

    public void Dispose()
    {
        // Lazily, because a process that still has a file of it open ends soon.
        Run("umount", "--lazy", MountPoint);
        Directory.Delete(MountPoint);
    }

    /// <summary>As root, or by sudo without a password.</summary>
    private static bool Run(string program, params string[] arguments) =>
        Succeeds(program, arguments) || Succeeds("sudo", ["--non-interactive", program, .. arguments]);

    private static bool Succeeds(string program, IEnumerable<string> arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
