using System.Text.Json;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ImageClassifier.Web.Uploads;

/// <summary>A body with references to pictures, as JSON (<see cref="ReferenceListDocument"/>). A body of another shape is
/// refused. A single reference that is not allowed is refused alone.</summary>
/// <param name="body">The body of the request.</param>
/// <param name="rules">The allowed references.</param>
internal sealed class ReferenceList(Stream body, ReferenceRules rules) : IUploadBody
{
    /// <summary>The largest body in bytes: 1,000 references with long signatures. A list is in memory as a whole.</summary>
    public const int MaxSize = 2 << 20;

    private const string Json = "application/json";

    private ReferenceListDocument? _document;
    private int _next;

    /// <inheritdoc />
    public string? Callback => _document?.Callback;

    /// <inheritdoc />
    public string? CallbackEvents => _document?.CallbackEvents;

    /// <inheritdoc />
    public string? Deadline => _document?.Deadline;

    /// <summary>Whether the request has such a body.</summary>
    public static bool IsTypeOf(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public async Task<FormFile?> NextFileAsync(CancellationToken cancellation)
    {
        _document ??= await ReadAsync(cancellation).ConfigureAwait(false);
        return _next < _document.Pictures.Count ? FormFile.Of(JobOf(_document.Pictures[_next++])) : null;
    }

    private ManifestJob JobOf(ReferenceDocument picture)
    {
        var reference = new PictureReference { Url = picture.Url, S3 = picture.S3 };
        var check = rules.Check(reference);
        var name = FileNames.ForShowing(picture.FileName ?? NameIn(check) ?? NameIn(picture.Url ?? picture.S3!));
        return check is CheckedReference.Refused refused
            ? ManifestJob.Refuse(name, refused.Error)
            : ManifestJob.Accept(name, reference);
    }

    private static string? NameIn(CheckedReference reference) => reference switch
    {
        CheckedReference.Address { Url: var url } => NameIn(url),
        CheckedReference.InBucket { Key: var key } => key,
        _ => null,
    };

    // The rest of an address may be secret: a user, a signature.
    private static string NameIn(string refused) =>
        Uri.TryCreate(refused, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" or "s3"
            ? NameIn(url)
            : "";

    private static string NameIn(Uri url) =>
        url.AbsolutePath.EndsWith('/') ? url.Host : Uri.UnescapeDataString(url.Segments[^1]);

    private async Task<ReferenceListDocument> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var document = await JsonSerializer.DeserializeAsync(
                new LimitedBody(body, MaxSize), ReferenceListJson.Default.ReferenceListDocument, cancellation)
                .ConfigureAwait(false);
            return FaultOf(document) is { } fault
                ? throw new RefusedBodyException(Problems.MalformedReferences(fault))
                : document!;
        }
        catch (JsonException malformed)
        {
            throw new RefusedBodyException(Problems.MalformedReferences(WordsOf(malformed)));
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new RefusedBodyException(Problems.RequestTooLarge(MaxSize));
        }
        catch (IOException failure)
        {
            throw new RequestBodyException(failure);
        }
    }

    private static string? FaultOf(ReferenceListDocument? document)
    {
        if (document?.Pictures is not { Count: > 0 } pictures) return "Send at least one picture in pictures.";
        for (var i = 0; i < pictures.Count; i++)
        {
            if (pictures[i] is not { } picture || picture.Url is null == picture.S3 is null)
                return $"Give pictures[{i}] either url or s3.";
        }

        return null;
    }

    // The message of the exception names types of the program. Its path says where the fault is, but can repeat much of the
    // request.
    private static string WordsOf(JsonException malformed) => malformed.Path is { Length: > 1 and <= 100 } path
        ? $"It does not fit the API's description at {path}. Correct it there."
        : "Send a JSON object as the API's description has it: pictures, each with url or s3.";
}
