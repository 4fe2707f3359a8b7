using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>Protects the program's files from other users of the machine. On Windows the permissions of the folder do
/// this.</summary>
public static class PrivateFiles
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private const uint AllOfGroupAndOthers = 0b000_111_111;

    /// <summary>Makes this process and its children create folders as 0700 and files as 0600. This covers SQLite, logs
    /// and libraries too.</summary>
    public static void CreateForOwnerOnly()
    {
        if (!OperatingSystem.IsWindows()) _ = SetUmask(AllOfGroupAndOthers);
    }

    /// <summary>Creates a folder that only its owner can use.</summary>
    internal static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerFolder);
    }

    /// <summary>Removes the access of other users to a folder or file. Links, and files of other users, are not
    /// changed.</summary>
    internal static void RestrictAccess(FileSystemInfo entry)
    {
        if (OperatingSystem.IsWindows() || !entry.Exists || entry.LinkTarget is not null) return;
        var wanted = entry is DirectoryInfo ? OwnerFolder : OwnerFile;
        try
        {
            if (entry.UnixFileMode != wanted) entry.UnixFileMode = wanted;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The entry belongs to another user, or was just deleted.
        }
    }

    [DllImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint SetUmask(uint mask);
}
