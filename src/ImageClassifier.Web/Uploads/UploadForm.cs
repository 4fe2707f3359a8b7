using ImageClassifier.Core.Storage;
using Microsoft.AspNetCore.WebUtilities;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// The files of a form, one after the other. A part with a file name is a file. A part without one is a file too, where
/// its type or its first bytes are a picture's: the client forgot the name. All other parts are fields of the form, and
/// an empty file name without bytes is a file input that was left empty; they are passed over.
/// </summary>
internal sealed class UploadForm(string boundary, Stream body)
{
    private readonly MultipartReader _reader = new(boundary, body);

    /// <summary>The next file; null at the form's end. What was not read of the one before is skipped.</summary>
    /// <exception cref="RequestBodyException">The form cannot be read to its end.</exception>
    public async Task<FormFile?> NextFileAsync(CancellationToken cancellation)
    {
        while (await NextPartAsync(cancellation).ConfigureAwait(false) is { } part)
        {
            var body = new HashedBody(part.Body);
            var head = new byte[FileKinds.HeadLength];
            head = head[..await body.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false)];
            var name = PartNames.Find(part.ContentDisposition);
            if (name is { Length: > 0 }) return new FormFile(name, head, body);
            if (head.Length > 0 && (name is not null || IsPicture(part, head))) return new FormFile(null, head, body);
            body.Dispose();
        }

        return null;
    }

    private async Task<MultipartSection?> NextPartAsync(CancellationToken cancellation)
    {
        try
        {
            return await _reader.ReadNextSectionAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new RequestBodyException(failure);
        }
    }

    private static bool IsPicture(MultipartSection part, byte[] head) =>
        part.ContentType?.TrimStart().StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true
        || PictureFormats.FromBytes(head) is not null;
}
