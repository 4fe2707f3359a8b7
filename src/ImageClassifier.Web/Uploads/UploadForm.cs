using System.Text;
using ImageClassifier.Core.Formats;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Reads the files of a form one by one. A part with a file name is a file. So is a part without one if its type or its
/// first bytes are a picture's, because some clients forget the name. The fields of a callback and the deadline are kept. Other
/// form fields are skipped, and so are empty file inputs: parts with an empty file name and no bytes.
/// </summary>
internal sealed class UploadForm(string boundary, Stream body) : IUploadBody
{
    /// <summary>The field with the address of a callback.</summary>
    public const string CallbackField = "callback";

    /// <summary>The field that says what is delivered there.</summary>
    public const string CallbackEventsField = "callbackEvents";

    /// <summary>The field with the time after which no picture is begun any more.</summary>
    public const string DeadlineField = "deadline";

    /// <summary>The fields beside the files.</summary>
    public static readonly IReadOnlyList<string> Fields = [CallbackField, CallbackEventsField, DeadlineField];

    // More than a field may have, so that a longer one is seen to be too long.
    private const int MostFieldBytes = 4096;

    // One read takes all that the server has received of the body: its limit of unread bytes is as large.
    private const int BufferSize = 64 << 10;

    private readonly MultipartReader _reader = new(boundary, body, BufferSize);
    private readonly Dictionary<string, string> _fields = [];

    /// <inheritdoc />
    public string? Callback => _fields.GetValueOrDefault(CallbackField);

    /// <inheritdoc />
    public string? CallbackEvents => _fields.GetValueOrDefault(CallbackEventsField);

    /// <inheritdoc />
    public string? Deadline => _fields.GetValueOrDefault(DeadlineField);

    /// <inheritdoc />
    public async Task<FormFile?> NextFileAsync(CancellationToken cancellation)
    {
        while (await NextPartAsync(cancellation).ConfigureAwait(false) is { } part)
        {
            var name = PartNames.Find(part.ContentDisposition);
            if (name is null && await IsKnownFieldAsync(part, cancellation).ConfigureAwait(false)) continue;
            var body = new HashedBody(part.Body);
            var head = new byte[FileKinds.HeadLength];
            head = head[..await body.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false)];
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

    /// <summary>Keeps the value of a part that is a known field.</summary>
    /// <exception cref="RefusedBodyException">The form has the field twice.</exception>
    private async Task<bool> IsKnownFieldAsync(MultipartSection part, CancellationToken cancellation)
    {
        var name = PartNames.FieldOf(part.ContentDisposition);
        // A client that writes Callback means it, and would wait in vain.
        var field = Fields.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (field is null) return false;
        var value = await ReadFieldAsync(part.Body, cancellation).ConfigureAwait(false);
        if (!_fields.TryAdd(field, value)) throw new RefusedBodyException(DoubledProblem(field));
        return true;
    }

    private static IResult DoubledProblem(string field)
    {
        var detail = $"Send the form field {field} once.";
        return field == DeadlineField ? Problems.DeadlineUnusable(detail) : Problems.CallbackMalformed(detail);
    }

    private static async Task<string> ReadFieldAsync(Stream part, CancellationToken cancellation)
    {
        using var body = new HashedBody(part);
        var value = new byte[MostFieldBytes];
        var length = await body.ReadAtLeastAsync(value, value.Length, throwOnEndOfStream: false, cancellation)
            .ConfigureAwait(false);
        return Encoding.UTF8.GetString(value, 0, length);
    }

    private static bool IsPicture(MultipartSection part, byte[] head) =>
        part.ContentType?.TrimStart().StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true
        || PictureFormats.FromBytes(head) is not null;
}
