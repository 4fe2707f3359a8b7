using ImageClassifier.Core.Messages;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Edge;

/// <summary>A kind of error answer.</summary>
/// <param name="Status">The status of the answer.</param>
/// <param name="Name">The end of the answer's <c>type</c>.</param>
/// <param name="Title">What happened, in one sentence.</param>
internal sealed record ProblemKind(int Status, string Name, string Title)
{
    private const string TypePrefix = "urn:image-classifier:";

    /// <summary>The answer's <c>type</c>: clients compare it.</summary>
    public string Type => TypePrefix + Name;

    /// <summary>True if the answer has a <c>Retry-After</c>.</summary>
    public bool SaysWhenToRetry { get; init; }

    /// <summary>The <c>type</c> of an error that has no kind of its own.</summary>
    public static string OtherType => TypePrefix + "error";
}

/// <summary>All kinds of error answers. The API's description lists them at the calls that can answer so.</summary>
internal static class ProblemKinds
{
    public static readonly ProblemKind NotMultipart = new(
        StatusCodes.Status415UnsupportedMediaType, "not-multipart", "The request is not a multipart form.");

    public static readonly ProblemKind EncodedBody = new(
        StatusCodes.Status415UnsupportedMediaType, "encoded-body", "The request's body is compressed or encoded.");

    public static readonly ProblemKind MalformedMultipart = new(
        StatusCodes.Status400BadRequest, "malformed-multipart", "The multipart form cannot be read.");

    public static readonly ProblemKind MalformedReferences = new(
        StatusCodes.Status400BadRequest, "malformed-references", "The JSON with references to pictures cannot be read.");

    public static readonly ProblemKind NoIdempotencyKey = new(
        StatusCodes.Status400BadRequest, "idempotency-key-malformed", "The Idempotency-Key cannot be used.");

    public static readonly ProblemKind IdempotencyKeyReused = new(
        StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", "The Idempotency-Key was used before.");

    public static readonly ProblemKind UploadUnderWay = new(
        StatusCodes.Status409Conflict, "upload-under-way", "The same request is still running.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind CallbackMalformed = new(
        StatusCodes.Status400BadRequest, "callback-malformed", "The callback cannot be used.");

    public static readonly ProblemKind NoCallbackSecret = new(
        StatusCodes.Status400BadRequest, "callback-without-secret", "Callbacks could not be signed.");

    public static readonly ProblemKind DeadlineUnusable = new(
        StatusCodes.Status400BadRequest, "deadline-unusable", "The deadline cannot be used.");

    public static readonly ProblemKind CancelUnknown = new(
        StatusCodes.Status400BadRequest, "cancel-unknown", "It is not known what to cancel.");

    public static readonly ProblemKind NothingUsable = new(
        StatusCodes.Status400BadRequest, "nothing-usable", "No file of the request can be used.");

    public static readonly ProblemKind TooManyFiles = new(
        StatusCodes.Status413PayloadTooLarge, "too-many-files", "The request has too many files.");

    public static readonly ProblemKind RequestTooLarge = new(
        StatusCodes.Status413PayloadTooLarge, "request-too-large", "The request is too large.");

    public static readonly ProblemKind TooSlow = new(
        StatusCodes.Status408RequestTimeout, "too-slow", "The request arrived too slowly.");

    public static readonly ProblemKind Overloaded = new(
        StatusCodes.Status503ServiceUnavailable, "overloaded", "The service has too many requests.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind Unavailable = new(
        StatusCodes.Status503ServiceUnavailable, "unavailable", "A part of the service does not answer.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind QueueUnavailable = new(
        StatusCodes.Status503ServiceUnavailable, "queue-unavailable", "The queue of pictures cannot be used.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind NotPermitted = new(
        StatusCodes.Status503ServiceUnavailable, "not-permitted", "The service may not use its store or its queues.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind Unreadable = Unavailable with { Title = "The result cannot be read now." };

    public static readonly ProblemKind Stopping = new(
        StatusCodes.Status503ServiceUnavailable, "stopping", "The service is restarting.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind StillWorking = new(
        StatusCodes.Status504GatewayTimeout, "still-working", "The result is not there yet.");

    public static readonly ProblemKind NoSuchBatch = new(
        StatusCodes.Status404NotFound, "no-such-batch", "There is no such batch.");

    public static readonly ProblemKind BatchDamaged = new(
        StatusCodes.Status500InternalServerError, "batch-damaged", "The batch's record is damaged.");

    public static readonly ProblemKind NoSuchImage = new(
        StatusCodes.Status404NotFound, "no-such-image", "There is no such picture.");

    public static readonly ProblemKind ImageNotStored = new(
        StatusCodes.Status404NotFound, "image-not-stored", "The picture is not stored here.");

    public static readonly ProblemKind WebSocketExpected = new(
        StatusCodes.Status426UpgradeRequired, "websocket-expected", "This address expects a WebSocket.");

    public static readonly ProblemKind KeyNeeded = new(
        StatusCodes.Status401Unauthorized, "key-needed", "This call needs a key.");

    public static readonly ProblemKind WrongKey = new(
        StatusCodes.Status401Unauthorized, "wrong-key", "The key is wrong.");

    public static readonly ProblemKind TooManyRefusals = new(
        StatusCodes.Status429TooManyRequests, "too-many-refusals", "Too many calls without a valid key.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind TooManyUploads = new(
        StatusCodes.Status429TooManyRequests, "too-many-uploads", "Too many uploads.")
    { SaysWhenToRetry = true };

    public static readonly ProblemKind OriginRefused = new(
        StatusCodes.Status403Forbidden, "origin-refused", "The call comes from another site.");

    public static readonly ProblemKind HostRefused = new(
        StatusCodes.Status403Forbidden, "host-refused", "The service does not know this host name.");

    public static readonly ProblemKind CrossSiteRefused = new(
        StatusCodes.Status403Forbidden, "cross-site-refused", "Pages of other sites cannot make this call.");

    /// <summary>The request's only picture was refused or failed. One kind for each error code of a picture.</summary>
    public static readonly ProblemKind[] OfPictures = [.. JobErrorCodes.All.Select(OfPicture)];

    /// <summary>The kind of a picture's error code.</summary>
    public static ProblemKind OfPicture(string code) => new(
        StatusCodes.Status422UnprocessableEntity, code, "The picture cannot be classified.");
}
