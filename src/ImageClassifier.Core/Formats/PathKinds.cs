using System.Runtime.InteropServices;

namespace ImageClassifier.Core.Formats;

/// <summary>The kind of file at a path.</summary>
public enum PathKind
{
    /// <summary>Nothing is there, or the system cannot tell without opening it.</summary>
    Unknown,

    /// <summary>A regular file.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A pipe, named (FIFO) or not.</summary>
    Pipe,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>A device.</summary>
    Device,
}

/// <summary>Reads the kind of file at a path without opening it. Opening a named pipe blocks until a writer opens it,
/// and no signal interrupts that.</summary>
public static class PathKinds
{
    private const int WorkingDirectory = -100;
    private const uint TypeOnly = 1;

    // Unlike the structure of stat, this structure is the same on all machines that run Linux.
    private const int StructureSize = 256;
    private const int ModeOffset = 28;

    /// <summary>The kind of file at a path. Symbolic links are followed.</summary>
    public static PathKind Of(string path)
    {
        if (!OperatingSystem.IsLinux()) return PathKind.Unknown;
        var answer = new byte[StructureSize];
        try
        {
            return Statx(WorkingDirectory, path, 0, TypeOnly, answer) == 0
                ? KindOf(BitConverter.ToUInt16(answer, ModeOffset) >> 12)
                : PathKind.Unknown;
        }
        catch (EntryPointNotFoundException)
        {
            return PathKind.Unknown;
        }
    }

    /// <summary>The kind with its article, for a sentence.</summary>
    public static string InWords(this PathKind kind) => kind switch
    {
        PathKind.Regular => "a file",
        PathKind.Folder => "a folder",
        PathKind.Pipe => "a named pipe (FIFO)",
        PathKind.Socket => "a socket",
        PathKind.Device => "a device",
        _ => "of an unknown kind",
    };

    private static PathKind KindOf(int type) => type switch
    {
        0x8 => PathKind.Regular,
        0x4 => PathKind.Folder,
        0x1 => PathKind.Pipe,
        0xC => PathKind.Socket,
        0x2 or 0x6 => PathKind.Device,
        _ => PathKind.Unknown,
    };

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Statx(
        int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] answer);
}
