using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using ImageClassifier.Core;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Callbacks;

/// <summary>A delivery that waits: all that its tries need, so that each try sends the same.</summary>
/// <param name="Id">The <c>webhook-id</c>.</param>
/// <param name="Batch">The batch.</param>
/// <param name="Url">The receiver's address.</param>
/// <param name="Key">The name of the API key whose secrets sign; null if no key was needed.</param>
/// <param name="CreatedAt">When the event happened.</param>
/// <param name="Body">The body: JSON.</param>
internal sealed record CallbackDelivery(
    string Id, BatchId Batch, string Url, string? Key, DateTimeOffset CreatedAt, string Body) : IStoredDocument
{
    private const int ReceiverDigits = 8;
    private const int LongestId = 100;
    private const int MostTries = 1_000;

    /// <summary>The number of tries that failed.</summary>
    public int Tries { get; init; }

    /// <summary>The receiver's host, for logs and lists. The rest of an address may be secret.</summary>
    [JsonIgnore]
    public string Host => new Uri(Url).IdnHost;

    /// <summary>Stands for the receiver's host in keys. A host is one receiver, whatever its ports.</summary>
    [JsonIgnore]
    public string Receiver =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Host)))[..ReceiverDigits];

    /// <summary>Whether no part is missing, and a try is possible.</summary>
    [JsonIgnore]
    public bool IsWhole => IsId(Id) && Batch != default && Body is not null && Tries is >= 0 and <= MostTries
        && Uri.TryCreate(Url, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp) && url.HasUsableHost();

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        IsWhole && CallbackKeys.TryParseWaiting(key, out var waiting) && waiting.Batch == Batch;

    // It becomes a header.
    private static bool IsId(string? id) =>
        id is { Length: > 0 and <= LongestId } && id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}

/// <summary>A delivery that was given up.</summary>
/// <param name="Delivery">The delivery; null if its object was damaged.</param>
/// <param name="Reason">Why the last try failed, in words.</param>
/// <param name="DiedAt">When it was given up.</param>
internal sealed record DeadCallback(CallbackDelivery? Delivery, string Reason, DateTimeOffset DiedAt) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => Reason is not null && Delivery is null or { IsWhole: true };
}
