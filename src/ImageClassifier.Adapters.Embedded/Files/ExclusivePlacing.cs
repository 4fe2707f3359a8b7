using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>Gives a file a name that no file has yet: of several callers at once, in any process, exactly one
/// succeeds.</summary>
internal static class ExclusivePlacing
{
    // The same numbers on Linux and macOS.
    private const int NoSuchEntry = 2;
    private const int NotPermitted = 13;
    private const int AlreadyExists = 17;

    /// <summary>Places a finished file.</summary>
    /// <param name="source">The file; it may keep its old name as well, which is the caller's to delete.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <returns>False when that name is taken.</returns>
    /// <exception cref="DirectoryNotFoundException">The destination's folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write there.</exception>
    /// <exception cref="IOException">The file system refuses; one without hard links does.</exception>
    public static bool TryPlace(string source, string destination)
    {
        if (!OperatingSystem.IsWindows()) return TryLink(source, destination);
        try
        {
            File.Move(source, destination);
            return true;
        }
        catch (IOException) when (File.Exists(destination))
        {
            return false;
        }
    }

    // Outside Windows File.Move looks first and renames then, and two callers can both see that nothing is there.
    private static bool TryLink(string source, string destination)
    {
        if (Link(source, destination) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        return error switch
        {
            AlreadyExists when Directory.Exists(destination) =>
                throw new IOException($"There is a folder at {destination}."),
            AlreadyExists => false,
            NotPermitted => throw new UnauthorizedAccessException($"This user may not write {destination}."),
            NoSuchEntry => throw new DirectoryNotFoundException($"There is no folder for {destination}."),
            _ => throw new IOException(
                $"{destination} cannot be written: {new Win32Exception(error).Message}"),
        };
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Link(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string existing, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
