using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>What the open marker of an upload with an idempotency key holds; without a key it is empty. Until there is a
/// manifest, only the marker says which claim goes with the batch.</summary>
/// <param name="Claim">Stands for the idempotency key.</param>
internal sealed record UploadMarker(string Claim) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => Claim is not null && ObjectKey.IsName(Claim);

    /// <summary>The marker's bytes.</summary>
    public static ReadOnlyMemory<byte> Content(string? claim) =>
        claim is null ? ReadOnlyMemory<byte>.Empty : WireJson.WriteUtf8(new UploadMarker(claim));
}
