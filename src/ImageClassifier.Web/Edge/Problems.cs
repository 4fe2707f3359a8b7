using System.Globalization;
using ImageClassifier.Core.Intake;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Edge;

/// <summary>Error answers: problem details (RFC 9457) whose <c>type</c> identifies the case.</summary>
internal static class Problems
{
    private const string TypePrefix = "urn:image-classifier:";

    public static IResult NotMultipart() => Create(
        StatusCodes.Status415UnsupportedMediaType, "not-multipart", "The request is not a multipart form.",
        "Send the pictures as multipart/form-data, one picture in each part.");

    public static IResult MalformedMultipart() => Create(
        StatusCodes.Status400BadRequest, "malformed-multipart", "The multipart form cannot be read.",
        "The form ends too early or does not follow RFC 7578. Check how the client builds it.");

    public static IResult NoIdempotencyKey() => Create(
        StatusCodes.Status400BadRequest, "idempotency-key-malformed", "The Idempotency-Key cannot be used.",
        "Send the header once, with 1 to 255 visible ASCII characters.");

    public static IResult IdempotencyKeyReused() => Create(
        StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", "The Idempotency-Key was used before.",
        "The key belongs to a request with other files: other names, or other bytes. Send new files with a new key.");

    public static IResult UploadUnderWay(TimeSpan retryAfter) => Create(
        StatusCodes.Status409Conflict, "upload-under-way", "The same request is still running.",
        "Send it again a little later to get its answer.", retryAfter: retryAfter);

    public static IResult CallbackMalformed(string detail) => Create(
        StatusCodes.Status400BadRequest, "callback-malformed", "The callback cannot be used.", detail);

    public static IResult NoCallbackSecret(string key) => Create(
        StatusCodes.Status400BadRequest, "callback-without-secret", "Callbacks could not be signed.",
        $"No secret is set for them. Ask the operator to add image-classifier.callbacks.secrets.{key}, or send the "
        + "pictures without callback.");

    public static IResult NothingUsable(AllowedFormats formats, object? jobs = null) => Create(
        StatusCodes.Status400BadRequest, "nothing-usable", "No file of the request can be used.",
        $"Send at least one {formats.Names} picture.",
        jobs is null ? null : new Dictionary<string, object?> { ["jobs"] = jobs });

    public static IResult TooManyFiles(int allowed) => Create(
        StatusCodes.Status413PayloadTooLarge, "too-many-files", "The request has too many files.",
        $"Send at most {allowed} {(allowed == 1 ? "file" : "files")} in a request.");

    public static IResult RequestTooLarge(long maxBytes) => Create(
        StatusCodes.Status413PayloadTooLarge, "request-too-large", "The request is too large.",
        string.Create(CultureInfo.InvariantCulture, $"Send at most {maxBytes} bytes in a request."));

    public static IResult TooSlow() => Create(
        StatusCodes.Status408RequestTimeout, "too-slow", "The request arrived too slowly.",
        "Send it again over a faster connection, or with fewer pictures.");

    public static IResult Overloaded(TimeSpan retryAfter) => Create(
        StatusCodes.Status503ServiceUnavailable, "overloaded", "The service has too many requests.",
        "Try again a little later.", retryAfter: retryAfter);

    public static IResult Unavailable(TimeSpan retryAfter) => Create(
        StatusCodes.Status503ServiceUnavailable, "unavailable", "A part of the service does not answer.",
        "Try again a little later.", retryAfter: retryAfter);

    public static IResult QueueUnavailable(TimeSpan retryAfter) => Create(
        StatusCodes.Status503ServiceUnavailable, "queue-unavailable", "The queue of pictures cannot be used.",
        "No picture can be accepted now. Earlier pictures are safe and are classified later. Try again a little later.",
        retryAfter: retryAfter);

    /// <summary>The service is not ready.</summary>
    public static IResult NotReady(TimeSpan retryAfter, IReadOnlyList<string> reasons) => Create(
        StatusCodes.Status503ServiceUnavailable, "unavailable", "A part of the service does not answer.",
        string.Join(' ', reasons), new Dictionary<string, object?> { ["reasons"] = reasons }, retryAfter);

    public static IResult NotPermitted(TimeSpan retryAfter) => Create(
        StatusCodes.Status503ServiceUnavailable, "not-permitted", "The service may not use its store or its queues.",
        "The request is fine. Tell the service's operator: the service's log names the missing permission.",
        retryAfter: retryAfter);

    public static IResult Unreadable(TimeSpan retryAfter, object links) => Create(
        StatusCodes.Status503ServiceUnavailable, "unavailable", "The result cannot be read now.",
        "The picture is safe. Read its result later under the link.", Links(links), retryAfter);

    public static IResult Stopping(TimeSpan retryAfter, object? links = null) => Create(
        StatusCodes.Status503ServiceUnavailable, "stopping", "The service is restarting.",
        "Accepted pictures are safe. Try again a little later.", Links(links), retryAfter);

    public static IResult StillWorking(TimeSpan waited, object links) => Create(
        StatusCodes.Status504GatewayTimeout, "still-working", "The result is not there yet.",
        $"It did not come within {waited.TotalSeconds:0} s. The picture is safe. Read its result later under the link.",
        Links(links));

    public static IResult NoSuchBatch() => Create(
        StatusCodes.Status404NotFound, "no-such-batch", "There is no such batch.",
        "The id is wrong, or the batch was deleted.");

    public static IResult BatchDamaged() => Create(
        StatusCodes.Status500InternalServerError, "batch-damaged", "The batch's record is damaged.",
        "The batch can no longer be read. Delete it, and upload its pictures again as a new batch.");

    public static IResult NoSuchImage() => Create(
        StatusCodes.Status404NotFound, "no-such-image", "There is no such picture.",
        "The id is wrong, or the picture was refused or deleted.");

    public static IResult WebSocketExpected() => Create(
        StatusCodes.Status426UpgradeRequired, "websocket-expected", "This address expects a WebSocket.",
        "Connect with a WebSocket, or read the batch's events as an event stream.");

    public static IResult KeyNeeded() => Create(
        StatusCodes.Status401Unauthorized, "key-needed", "This call needs a key.",
        "Send your key as Authorization: Bearer KEY, or as X-Api-Key: KEY.");

    public static IResult WrongKey() => Create(
        StatusCodes.Status401Unauthorized, "wrong-key", "The key is wrong.",
        "It is misspelt or no longer valid. Ask the service's operator for a new one.");

    public static IResult TooManyRefusals(TimeSpan retryAfter) => Create(
        StatusCodes.Status429TooManyRequests, "too-many-refusals", "Too many calls without a valid key.",
        "Try again a little later with a valid key.", retryAfter: retryAfter);

    public static IResult TooManyUploads(TimeSpan retryAfter) => Create(
        StatusCodes.Status429TooManyRequests, "too-many-uploads", "Too many uploads.",
        "Try again a little later, or send more pictures in each upload.", retryAfter: retryAfter);

    public static IResult OriginRefused() => Create(
        StatusCodes.Status403Forbidden, "origin-refused", "The call comes from another site.",
        "Use a page of this service, or ask the operator to add the site to image-classifier.access.allowed-origins.");

    public static IResult HostRefused() => Create(
        StatusCodes.Status403Forbidden, "host-refused", "The service does not know this host name.",
        "Without keys, another site could point its name to this address. Use the address or the machine's name. Or "
        + "ask the operator to add http://NAME:PORT to image-classifier.access.allowed-origins, or a key to "
        + "image-classifier.access.keys.");

    public static IResult CrossSiteRefused() => Create(
        StatusCodes.Status403Forbidden, "cross-site-refused", "Pages of other sites cannot make this call.",
        "Make it from a page of this service, or from a program.");

    /// <summary>The request's only picture was refused or failed: 422 with the picture's error code.</summary>
    public static IResult NotClassified(string code, string message, object? links = null) => Create(
        StatusCodes.Status422UnprocessableEntity, code, "The picture cannot be classified.", message, Links(links));

    /// <summary>Any other error, by its status.</summary>
    public static IResult Status(int status) => Create(status, "error", null, null);

    private static Dictionary<string, object?>? Links(object? links) =>
        links is null ? null : new Dictionary<string, object?> { ["links"] = links };

    private static RetryableProblem Create(
        int status, string type, string? title, string? detail,
        IDictionary<string, object?>? extensions = null, TimeSpan? retryAfter = null) =>
        new(TypedResults.Problem(detail, null, status, title, TypePrefix + type, extensions), retryAfter);

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
