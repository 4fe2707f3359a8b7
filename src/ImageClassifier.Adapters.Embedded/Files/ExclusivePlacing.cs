using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>Gives a file a new name only if the name is free. Of several callers at once, in any process, exactly one
/// succeeds.</summary>
internal static class ExclusivePlacing
{
    // These numbers are the same on Linux and macOS.
    private const int NoSuchEntry = 2;
    private const int NotPermitted = 13;
    private const int AlreadyExists = 17;

    /// <summary>Gives a complete file its name.</summary>
    /// <param name="source">The file. It may keep its old name too, which the caller deletes.</param>
    /// <param name="destination">The new name, on the same file system.</param>
    /// <returns>False if the name is taken.</returns>
    /// <exception cref="DirectoryNotFoundException">The destination's folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write there.</exception>
    /// <exception cref="IOException">The file system refuses, for example because it has no hard links.</exception>
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

    // Outside Windows File.Move first checks the name and then renames. Two callers can both find the name free.
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
