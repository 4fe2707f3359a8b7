using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>Keeps what the program writes from the other users of the machine. On Windows a folder's own rights
/// do.</summary>
public static class PrivateFiles
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private const uint AllOfGroupAndOthers = 0b000_111_111;

    /// <summary>From now on this process and its children create folders as 0700 and files as 0600. SQLite, the log and
    /// whatever a library writes are covered too.</summary>
    public static void CreateForOwnerOnly()
    {
        if (!OperatingSystem.IsWindows()) _ = SetUmask(AllOfGroupAndOthers);
    }

    /// <summary>Creates a folder, for its owner only.</summary>
    internal static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerFolder);
    }

    /// <summary>Takes a folder or file of ours away from everyone but its owner. A link is left alone, and so is what
    /// belongs to another user.</summary>
    internal static void Mend(FileSystemInfo entry)
    {
        if (OperatingSystem.IsWindows() || !entry.Exists || entry.LinkTarget is not null) return;
        var wanted = entry is DirectoryInfo ? OwnerFolder : OwnerFile;
        try
        {
            if (entry.UnixFileMode != wanted) entry.UnixFileMode = wanted;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is another user's, or just went.
        }
    }

    [DllImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint SetUmask(uint mask);
}
