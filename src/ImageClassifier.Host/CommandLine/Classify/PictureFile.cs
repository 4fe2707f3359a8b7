using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>A file that was read whole, or why it was not.</summary>
/// <param name="Content">Its bytes; empty where there is an error.</param>
/// <param name="Error">Why it cannot be classified; null where it can be tried.</param>
internal sealed record PictureFile(ReadOnlyMemory<byte> Content, JobError? Error)
{
    // What .NET puts where a name has bytes that are not UTF-8; the file cannot be found by it any more.
    private const char NotUtf8 = '\uFFFD';

    // Pipes that the shell opened for this process, as for <(command): to open them again does not wait.
    private static readonly string[] OwnHandles = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

    /// <summary>Reads a file if its first bytes show an allowed format and it is not too large. Its name does not
    /// matter.</summary>
    /// <exception cref="OperationCanceledException">It was stopped between two pieces of the file.</exception>
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
                    "The name is not valid UTF-8, so the file cannot be found by it. Rename the file.")
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

        // Of a pipe the length is not known, so the limit is held while reading too.
        var known = file.CanSeek ? file.Length : 0;
        if (known > maxSize) return TooLarge(maxSize);
        using var content = new MemoryStream((int)known);
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
