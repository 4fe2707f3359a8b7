using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>The content of a file, or the error.</summary>
/// <param name="Content">The bytes; empty if there is an error.</param>
/// <param name="Error">Why the file cannot be classified; null if there is no error.</param>
internal sealed record PictureFile(ReadOnlyMemory<byte> Content, JobError? Error)
{
    // .NET puts this character in place of bytes that are not UTF-8. A file cannot be opened by such a name.
    private const char NotUtf8 = '\uFFFD';

    // The pipes of the shell's <(command). The shell has opened them for this process, so opening them does not block.
    private static readonly string[] OwnHandles = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

    /// <summary>Reads a file if its first bytes are of an allowed format and it is not too large. The name of the file
    /// does not matter.</summary>
    /// <exception cref="OperationCanceledException">The read was cancelled.</exception>
    public static PictureFile Read(
        string path, long maxSize, AllowedFormats formats, CancellationToken cancellation)
    {
        try
        {
            return PathKinds.Of(path) switch
            {
                PathKind.Regular or PathKind.Unknown when !Directory.Exists(path) =>
                    ReadContent(path, maxSize, formats, cancellation),
                PathKind.Pipe when IsOwnHandle(path) => ReadContent(path, maxSize, formats, cancellation),
                PathKind.Folder or PathKind.Unknown => Refused(FileOutcome.Unreadable, "It is a folder."),
                var kind => Refused(FileOutcome.Unreadable,
                    $"It is {kind.InWords()}, not a regular file. Save the picture to a file and give that."),
            };
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return path.Contains(NotUtf8)
                ? Refused(FileOutcome.Unreadable,
                    "The name is not valid UTF-8, so the file cannot be opened. Rename the file.")
                : Refused(JobErrorCodes.Missing, "There is no such file.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return Refused(FileOutcome.Unreadable, $"It cannot be read: {failure.Message}");
        }
    }

    private static bool IsOwnHandle(string path) =>
        OwnHandles.Any(own => path.StartsWith(own, StringComparison.Ordinal));

    private static PictureFile ReadContent(
        string path, long maxSize, AllowedFormats formats, CancellationToken cancellation)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var head = new byte[FileKinds.HeadLength];
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        if (head.Length == 0) return Refused(JobErrorCodes.Empty, "The file is empty.");
        if (formats.FormatOf(head) is null) return new PictureFile(default, formats.Refuse(path, head));

        // A pipe has no length, so the limit also applies while it is read.
        var length = file.CanSeek ? file.Length : 0;
        if (length > maxSize) return TooLarge(maxSize);
        using var content = new MemoryStream((int)length);
        content.Write(head);
        var buffer = new byte[81920];
        for (var read = file.Read(buffer); read > 0; read = file.Read(buffer))
        {
            cancellation.ThrowIfCancellationRequested();
            content.Write(buffer, 0, read);
            if (content.Length > maxSize) return TooLarge(maxSize);
        }

        return new PictureFile(content.GetBuffer().AsMemory(0, (int)content.Length), null);
    }

    private static PictureFile TooLarge(long maxSize) =>
        Refused(JobErrorCodes.TooLarge, $"The file is larger than {maxSize} bytes (image-classifier.uploads.max-file-size).");

    private static PictureFile Refused(string code, string message) => new(default, new JobError(code, message));
}
