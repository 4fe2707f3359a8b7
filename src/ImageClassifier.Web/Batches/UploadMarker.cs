using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>The content of an upload's open marker. Before the manifest exists, only the marker names the batch's
/// claim and the upload that runs.</summary>
/// <param name="Claim">The digest of the idempotency key; null if the request has no key.</param>
/// <param name="Upload">Identifies the upload that wrote the marker last; null in markers of earlier versions.</param>
/// <param name="HasEnded">True if that upload has ended without knowing whether the batch is accepted.</param>
internal sealed record UploadMarker(string? Claim, string? Upload, bool HasEnded) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => Claim is null || ObjectKey.IsName(Claim);
}
