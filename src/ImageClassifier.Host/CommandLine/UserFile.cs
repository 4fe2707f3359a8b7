using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.CommandLine.Classify;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Opens the files that a user named. Whatever goes wrong is an error of that file alone.</summary>
internal static class UserFile
{
    // .NET puts this character in place of bytes that are not UTF-8. A file cannot be opened by such a name.
    private const char NotUtf8 = '\uFFFD';

    // The pipes of the shell's <(command). The shell has opened them for this process, so opening them does not block.
    private static readonly string[] OwnHandles = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

    /// <summary>Opens a file and reads it.</summary>
    /// <param name="path">The path.</param>
    /// <param name="takesPipes">True if the file is read once only, so that a pipe will do.</param>
    /// <param name="read">Reads the open file and its first bytes. Returns the error, or null if there is none.</param>
    /// <returns>The error; null if there is none.</returns>
    public static JobError? Read(string path, bool takesPipes, Func<FileStream, byte[], JobError?> read)
    {
        try
        {
            return PathKinds.Of(path) switch
            {
                PathKind.Regular or PathKind.Unknown when !Directory.Exists(path) => Open(path, read),
                PathKind.Pipe when takesPipes && IsOwnHandle(path) => Open(path, read),
                PathKind.Folder or PathKind.Unknown => new JobError(FileOutcome.Unreadable, "It is a folder."),
                var kind => new JobError(FileOutcome.Unreadable,
                    $"It is {kind.InWords()}, not a regular file. Save the picture to a file and give that."),
            };
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return path.Contains(NotUtf8)
                ? new JobError(FileOutcome.Unreadable,
                    "The name is not valid UTF-8, so the file cannot be opened. Rename the file.")
                : new JobError(JobErrorCodes.Missing, "There is no such file.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return new JobError(FileOutcome.Unreadable, $"It cannot be read: {failure.Message}");
        }
    }

    private static bool IsOwnHandle(string path) =>
        OwnHandles.Any(own => path.StartsWith(own, StringComparison.Ordinal));

    private static JobError? Open(string path, Func<FileStream, byte[], JobError?> read)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var head = new byte[FileKinds.HeadLength];
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        return head.Length == 0 ? new JobError(JobErrorCodes.Empty, "The file is empty.") : read(file, head);
    }
}
