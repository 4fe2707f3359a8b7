using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>A disk of its own for a data folder, small enough to be filled: a file system in memory.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _ballast;

    private SmallDisk(string mountPoint)
    {
        MountPoint = mountPoint;
        Folder = Directory.CreateDirectory(Path.Combine(mountPoint, "data")).FullName;
        _ballast = Path.Combine(mountPoint, "ballast");
    }

    /// <summary>The data folder.</summary>
    public string Folder { get; }

    private string MountPoint { get; }

    /// <summary>Mounts one; skips the running test where that is not allowed.</summary>
    public static SmallDisk Mount(int mebibytes)
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only Linux mounts a file system in memory so");
        var folder = Directory.CreateTempSubdirectory("image-classifier-disk-").FullName;
        var size = string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m");
        if (!Run("mount", "-t", "tmpfs", "-o", size, "tmpfs", folder))
        {
            Directory.Delete(folder);
            Requirement.Met(false, "this user may not mount a file system");
        }

        return new SmallDisk(folder);
    }

    /// <summary>Leaves no room for one more byte.</summary>
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
                // It is full for blocks of this size.
            }
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(_ballast);

    public void Dispose()
    {
        // Lazily: whatever still has a file of it open goes soon.
        Run("umount", "--lazy", MountPoint);
        Directory.Delete(MountPoint);
    }

    /// <summary>As root, or as one who may become it without being asked.</summary>
    private static bool Run(string program, params string[] arguments) =>
        Succeeds(program, arguments) || Succeeds("sudo", ["--non-interactive", program, .. arguments]);

    private static bool Succeeds(string program, IEnumerable<string> arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
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
