using System.Runtime.InteropServices;

namespace ImageClassifier.Core.Storage;

/// <summary>What a path leads to.</summary>
public enum FileKind
{
    /// <summary>Nothing, or the system does not tell; to open it shows.</summary>
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

/// <summary>Tells what a path leads to without opening it: to open a named pipe waits until someone writes into it, and
/// no signal breaks that off.</summary>
public static class FileKinds
{
    private const int WorkingDirectory = -100;
    private const uint TypeOnly = 1;

    // The structure is the same on every machine that Linux runs on, unlike that of stat.
    private const int StructureSize = 256;
    private const int ModeOffset = 28;

    /// <summary>What a path leads to, symbolic links followed.</summary>
    public static FileKind Of(string path)
    {
        if (!OperatingSystem.IsLinux()) return FileKind.Unknown;
        var answer = new byte[StructureSize];
        try
        {
            return Statx(WorkingDirectory, path, 0, TypeOnly, answer) == 0
                ? KindOf(BitConverter.ToUInt16(answer, ModeOffset) >> 12)
                : FileKind.Unknown;
        }
        catch (EntryPointNotFoundException)
        {
            return FileKind.Unknown;
        }
    }

    /// <summary>The kind with its article, for a sentence.</summary>
    public static string InWords(this FileKind kind) => kind switch
    {
        FileKind.Regular => "a file",
        FileKind.Folder => "a folder",
        FileKind.Pipe => "a named pipe (FIFO)",
        FileKind.Socket => "a socket",
        FileKind.Device => "a device",
        _ => "of an unknown kind",
    };

    private static FileKind KindOf(int type) => type switch
    {
        0x8 => FileKind.Regular,
        0x4 => FileKind.Folder,
        0x1 => FileKind.Pipe,
        0xC => FileKind.Socket,
        0x2 or 0x6 => FileKind.Device,
        _ => FileKind.Unknown,
    };

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Statx(
        int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] answer);
}
