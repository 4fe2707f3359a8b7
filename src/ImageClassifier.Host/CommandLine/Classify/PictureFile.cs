using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>A file that was read whole, or why it was not.</summary>
/// <param name="Content">Its bytes; empty where there is an error.</param>
/// <param name="Error">Why it cannot be classified; null where it can be tried.</param>
internal sealed record PictureFile(ReadOnlyMemory<byte> Content, JobError? Error)
{
    /// <summary>Reads a file if it looks like a picture by its first bytes and is not too large.</summary>
    public static PictureFile Read(string path, long maxSize)
    {
        try
        {
            return Directory.Exists(path)
                ? Refused(FileOutcome.Unreadable, "It is a folder.")
                : ReadContent(path, maxSize);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return Refused(JobErrorCodes.Missing, "There is no such file.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return Refused(FileOutcome.Unreadable, $"It cannot be read: {failure.Message}");
        }
    }

    private static PictureFile ReadContent(string path, long maxSize)
    {
        // Of a pipe the length is not known, so the limit is held while reading too.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var known = file.CanSeek ? file.Length : 0;
        if (known > maxSize) return TooLarge(maxSize);
        using var content = new MemoryStream((int)known);
        var buffer = new byte[81920];
        for (var read = file.Read(buffer); read > 0; read = file.Read(buffer))
        {
            content.Write(buffer, 0, read);
            if (content.Length > maxSize) return TooLarge(maxSize);
            if (content.Length >= PictureFormats.SignatureLength && !IsPicture(content)) return NoPicture(path);
        }

        if (content.Length == 0) return Refused(JobErrorCodes.Empty, "The file is empty.");
        return IsPicture(content) ? new PictureFile(content.GetBuffer().AsMemory(0, (int)content.Length), null) : NoPicture(path);
    }

    private static bool IsPicture(MemoryStream content) =>
        PictureFormats.FromBytes(content.GetBuffer().AsSpan(0, (int)content.Length)) is not null;

    private static PictureFile NoPicture(string path) => PictureFormats.FromFileName(path) is null
        ? Refused(JobErrorCodes.UnsupportedName, "Only JPEG and PNG pictures are classified.")
        : Refused(JobErrorCodes.ContentMismatch, "It is named like a picture, but its bytes are neither JPEG nor PNG.");

    private static PictureFile TooLarge(long maxSize) =>
        Refused(JobErrorCodes.TooLarge, $"The file is larger than {maxSize} bytes (image-classifier.uploads.max-file-size).");

    private static PictureFile Refused(string code, string message) => new(default, new JobError(code, message));
}
