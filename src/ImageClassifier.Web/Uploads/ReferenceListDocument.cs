using System.Text.Json.Serialization;

namespace ImageClassifier.Web.Uploads;

/// <summary>A batch whose pictures the service fetches itself.</summary>
/// <param name="Pictures">The pictures. The jobs have the same order.</param>
internal sealed record ReferenceListDocument([property: JsonRequired] IReadOnlyList<ReferenceDocument> Pictures)
{
    /// <summary>An https address that the service calls with the results: see the webhooks. The service needs a secret that
    /// signs the calls.</summary>
    public string? Callback { get; init; }

    /// <summary>What is delivered to callback: "batch", or "job" for each result. It is "batch" unless said
    /// otherwise.</summary>
    public string? CallbackEvents { get; init; }

    /// <summary>A time of the next seven days with its offset (RFC 3339): what has no result by then fails with the code
    /// expired.</summary>
    public string? Deadline { get; init; }
}

/// <summary>A picture that the service fetches itself: give either url or s3.</summary>
internal sealed record ReferenceDocument
{
    /// <summary>A public https address. It must answer with the picture itself: redirects are not followed.</summary>
    public string? Url { get; init; }

    /// <summary>An object of a bucket that the service's operator allows: "s3://BUCKET/KEY".</summary>
    public string? S3 { get; init; }

    /// <summary>A name for display. Without it, the end of the address is shown.</summary>
    public string? FileName { get; init; }
}

/// <summary>Reads these documents strictly: what is misspelt or doubled is refused rather than ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(ReferenceListDocument))]
internal sealed partial class ReferenceListJson : JsonSerializerContext;
