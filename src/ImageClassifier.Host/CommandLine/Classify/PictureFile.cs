using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>The content of a file, or the error.</summary>
/// <param name="Content">The bytes; empty if there is an error.</param>
/// <param name="Error">Why the file cannot be classified; null if there is no error.</param>
internal sealed record PictureFile(ReadOnlyMemory<byte> Content, JobError? Error)
{
    /// <summary>Reads a file if its first bytes are of an allowed format and it is not too large. The name of the file
    /// does not matter.</summary>
    /// <exception cref="OperationCanceledException">The read was cancelled.</exception>
    public static PictureFile Read(
        string path, long maxSize, AllowedFormats formats, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> content = default;
        var error = UserFile.Read(path, takesPipes: true, (file, head) =>
        {
            if (formats.FormatOf(head) is null) return formats.Refuse(path, head);
            (content, var refusal) = ReadContent(file, head, maxSize, cancellation);
            return refusal;
        });
        return new PictureFile(content, error);
    }

    private static PictureFile ReadContent(
        FileStream file, byte[] head, long maxSize, CancellationToken cancellation)
    {
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

    private static PictureFile TooLarge(long maxSize) => new(default, new JobError(
        JobErrorCodes.TooLarge, $"The file is larger than {maxSize} bytes (image-classifier.uploads.max-file-size)."));
}
