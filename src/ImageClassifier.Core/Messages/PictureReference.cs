using System.Text.Json.Serialization;

namespace ImageClassifier.Core.Messages;

/// <summary>Where an app node finds a picture that was not uploaded. Exactly one of the two addresses is set.</summary>
public sealed record PictureReference
{
    /// <summary>The length of the longest address, in characters.</summary>
    public const int LongestAddress = 2048;

    /// <summary>An <c>https</c> address; null if the picture is in a bucket.</summary>
    public string? Url { get; init; }

    /// <summary>An address of the form <c>s3://BUCKET/KEY</c>; null if the picture has a URL.</summary>
    public string? S3 { get; init; }

    /// <summary>True if exactly one address is set. It may still be one that is not allowed.</summary>
    [JsonIgnore]
    public bool IsWhole => (Url ?? S3) is { Length: > 0 and <= LongestAddress } && (Url is null || S3 is null);
}
