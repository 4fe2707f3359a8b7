using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>The content of the open marker of an upload with an idempotency key. Without a key the marker is empty.
/// Before the manifest exists, only the marker names the batch's claim.</summary>
/// <param name="Claim">The digest of the idempotency key.</param>
internal sealed record UploadMarker(string Claim) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => Claim is not null && ObjectKey.IsName(Claim);

    /// <summary>The marker's bytes.</summary>
    public static ReadOnlyMemory<byte> Content(string? claim) =>
        claim is null ? ReadOnlyMemory<byte>.Empty : WireJson.WriteUtf8(new UploadMarker(claim));
}
