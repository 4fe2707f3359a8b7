using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace ImageClassifier.Testing;

/// <summary>Runs a part of a test without the rights of root, who may read and write everything.</summary>
public static class OrdinaryUser
{
    private const UnixFileMode MayRead =
        UnixFileMode.UserRead | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const int Nobody = 65534;

    /// <summary>Lets everybody read a folder and all that is in it, and nobody change it.</summary>
    [UnsupportedOSPlatform("windows")]
    public static void LetRead(string folder)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Prepend(folder))
            File.SetUnixFileMode(path, MayRead);
    }

    /// <summary>Runs the action on a thread of its own. It must open its files on that thread.</summary>
    public static void Run(Action action)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            action();
            return;
        }

        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                // The kernel keeps this user for each thread.
                _ = SetFileUser(Nobody);
                action();
            }
            catch (Exception thrown)
            {
                failure = ExceptionDispatchInfo.Capture(thrown);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [DllImport("libc", EntryPoint = "setfsuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int SetFileUser(int user);
}
