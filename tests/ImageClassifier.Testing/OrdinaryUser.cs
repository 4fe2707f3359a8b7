using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace ImageClassifier.Testing;

/// <summary>Runs a part of a test without the rights of root, who may read and write everything.</summary>
public static class OrdinaryUser
{
    /// <summary>The permissions of a folder that everybody may read and nobody may change.</summary>
    public const UnixFileMode MayRead =
        UnixFileMode.UserRead | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const int Nobody = 65534;

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
