using System.Globalization;
using ImageClassifier.Core.Intake;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Edge;

/// <summary>Error answers: problem details (RFC 9457) whose <c>type</c> identifies the case.</summary>
internal static class Problems
{
    public static IResult NotMultipart() => Create(
        ProblemKinds.NotMultipart,
        "Send the pictures as multipart/form-data, one picture in each part. Only POST /api/batches also takes JSON with "
        + "references, with the header Content-Type: application/json.");

    public static IResult EncodedBody() =>
        Create(ProblemKinds.EncodedBody, "Send it without the header Content-Encoding.");

    public static IResult MalformedMultipart() => Create(
        ProblemKinds.MalformedMultipart,
        "The form ends too early or does not follow RFC 7578. Check how the client builds it.");

    public static IResult MalformedReferences(string detail) => Create(ProblemKinds.MalformedReferences, detail);

    public static IResult NoIdempotencyKey() => Create(
        ProblemKinds.NoIdempotencyKey, "Send the header once, with 1 to 255 visible ASCII characters.");

    public static IResult IdempotencyKeyReused() => Create(
        ProblemKinds.IdempotencyKeyReused,
        "The key belongs to a request with other files: other names, addresses or bytes. Send new files with a new key.");

    public static IResult UploadUnderWay(TimeSpan retryAfter) => Create(
        ProblemKinds.UploadUnderWay, "Send it again a little later to get its answer.", retryAfter: retryAfter);

    public static IResult CallbackMalformed(string detail) => Create(ProblemKinds.CallbackMalformed, detail);

    public static IResult NoCallbackSecret(string key) => Create(
        ProblemKinds.NoCallbackSecret,
        $"No secret is set for them. Ask the operator to add image-classifier.callbacks.secrets.{key}, or send the "
        + "pictures without callback.");

    public static IResult DeadlineUnusable(string detail) => Create(ProblemKinds.DeadlineUnusable, detail);

    public static IResult CancelUnknown() => Create(
        ProblemKinds.CancelUnknown,
        "Nothing was cancelled or deleted. Set cancel to waiting, or send the call without any parameter to delete the batch.");

    public static IResult NothingUsable(AllowedFormats formats, object? jobs = null) => Create(
        ProblemKinds.NothingUsable,
        $"Send at least one {formats.Names} picture{(jobs is null ? "." : "; jobs says what is wrong with each of these.")}",
        jobs is null ? null : new Dictionary<string, object?> { ["jobs"] = jobs });

    public static IResult TooManyFiles(int allowed) => Create(
        ProblemKinds.TooManyFiles, $"Send at most {allowed} {(allowed == 1 ? "file" : "files")} in a request.");

    public static IResult RequestTooLarge(long maxBytes) => Create(
        ProblemKinds.RequestTooLarge,
        string.Create(CultureInfo.InvariantCulture, $"Send at most {maxBytes} bytes in a request."));

    public static IResult TooSlow() => Create(
        ProblemKinds.TooSlow, "Send it again over a faster connection, or with fewer pictures.");

    public static IResult Overloaded(TimeSpan retryAfter) => Create(
        ProblemKinds.Overloaded, "Try again a little later.", retryAfter: retryAfter);

    public static IResult Unavailable(TimeSpan retryAfter) => Create(
        ProblemKinds.Unavailable, "Try again a little later.", retryAfter: retryAfter);

    public static IResult QueueUnavailable(TimeSpan retryAfter) => Create(
        ProblemKinds.QueueUnavailable,
        "No picture can be accepted now. Earlier pictures are safe and are classified later. Try again a little later.",
        retryAfter: retryAfter);

    /// <summary>The service is not ready.</summary>
    public static IResult NotReady(TimeSpan retryAfter, IReadOnlyList<string> reasons) => Create(
        ProblemKinds.Unavailable,
        string.Join(' ', reasons), new Dictionary<string, object?> { ["reasons"] = reasons }, retryAfter);

    public static IResult NotPermitted(TimeSpan retryAfter) => Create(
        ProblemKinds.NotPermitted,
        "The request is fine. Tell the service's operator: the service's log names the missing permission.",
        retryAfter: retryAfter);

    public static IResult Unreadable(TimeSpan retryAfter, object links) => Create(
        ProblemKinds.Unreadable,
        "The picture is safe. Read its result later under the link.", Links(links), retryAfter);

    public static IResult Stopping(TimeSpan retryAfter, object? links = null) => Create(
        ProblemKinds.Stopping, "Accepted pictures are safe. Try again a little later.", Links(links), retryAfter);

    public static IResult StillWorking(TimeSpan waited, object links) => Create(
        ProblemKinds.StillWorking,
        $"It did not come within {waited.TotalSeconds:0} s. The picture is safe. Read its result later under the link.",
        Links(links));

    public static IResult NoSuchBatch() => Create(
        ProblemKinds.NoSuchBatch, "The id is wrong, or the batch was deleted.");

    public static IResult BatchDamaged() => Create(
        ProblemKinds.BatchDamaged,
        "The batch can no longer be read. Delete it, and upload its pictures again as a new batch.");

    public static IResult NoSuchImage() => Create(
        ProblemKinds.NoSuchImage, "The id is wrong, or the picture was refused or deleted.");

    public static IResult ImageNotStored() => Create(
        ProblemKinds.ImageNotStored,
        "It was sent by reference, and the service keeps no copy. Read it at the address that was sent.");

    public static IResult WebSocketExpected() => Create(
        ProblemKinds.WebSocketExpected, "Connect with a WebSocket, or read the batch's events as an event stream.");

    public static IResult KeyNeeded() => Create(
        ProblemKinds.KeyNeeded, "Send your key as Authorization: Bearer KEY, or as X-Api-Key: KEY.");

    public static IResult WrongKey() => Create(
        ProblemKinds.WrongKey, "It is misspelt or no longer valid. Ask the service's operator for a new one.");

    public static IResult TooManyRefusals(TimeSpan retryAfter) => Create(
        ProblemKinds.TooManyRefusals, "Try again a little later with a valid key.", retryAfter: retryAfter);

    public static IResult TooManyUploads(TimeSpan retryAfter) => Create(
        ProblemKinds.TooManyUploads,
        "Try again a little later, or send more pictures in each upload.", retryAfter: retryAfter);

    public static IResult OriginRefused() => Create(
        ProblemKinds.OriginRefused,
        "Use a page of this service, or ask the operator to add the site to image-classifier.access.allowed-origins.");

    public static IResult HostRefused() => Create(
        ProblemKinds.HostRefused,
        "Without keys, another site could point its name to this address. Use the address or the machine's name. Or "
        + "ask the operator to add http://NAME:PORT to image-classifier.access.allowed-origins, or a key to "
        + "image-classifier.access.keys.");

    public static IResult CrossSiteRefused() => Create(
        ProblemKinds.CrossSiteRefused, "Make it from a page of this service, or from a program.");

    /// <summary>The request's only picture was refused or failed: 422 with the picture's error code.</summary>
    public static IResult NotClassified(string code, string message, object? links = null) => Create(
        ProblemKinds.OfPicture(code), message, Links(links));

    /// <summary>Any other error, by its status.</summary>
    public static IResult Status(int status) =>
        TypedResults.Problem(null, null, status, title: null, ProblemKind.OtherType);

    private static Dictionary<string, object?>? Links(object? links) =>
        links is null ? null : new Dictionary<string, object?> { ["links"] = links };

    private static RetryableProblem Create(
        ProblemKind kind, string detail,
        IDictionary<string, object?>? extensions = null, TimeSpan? retryAfter = null) =>
        new(TypedResults.Problem(detail, null, kind.Status, kind.Title, kind.Type, extensions), retryAfter);

    /// <summary>A problem with a <c>Retry-After</c> header.</summary>
    private sealed class RetryableProblem(IResult problem, TimeSpan? retryAfter) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (retryAfter is { } wait)
            {
                httpContext.Response.Headers.RetryAfter =
                    Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            }

            return problem.ExecuteAsync(httpContext);
        }
    }
}
