using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Web.Batches;

/// <summary>
/// Maps each idempotency key to one batch. The first upload with a key claims it, for as long as the batch is kept. A
/// later upload with the same key goes into that batch, or gets the batch's answer once the manifest exists.
/// </summary>
/// <remarks>So a claim needs no expiry when an upload breaks off. Two uploads that race cannot become two batches,
/// because a batch has one manifest.</remarks>
internal sealed class BatchClaims(IObjectStore store)
{
    // Retention or a deletion can remove a claim just before it is read.
    private const int MaxTries = 3;

    /// <summary>Claims a key for a batch, unless the key has a batch already.</summary>
    /// <param name="digest">The key's digest, from <see cref="IdempotencyKey"/>.</param>
    /// <param name="batch">A new batch that no other upload knows.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <returns>The batch of the key.</returns>
    /// <exception cref="IOException">The store does not answer.</exception>
    public async Task<BatchId> ClaimAsync(string digest, BatchId batch, CancellationToken cancellation)
    {
        var key = ObjectKeys.Claim(digest);
        var claim = WireJson.WriteUtf8(new BatchClaim(batch));
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            if (await store.PutIfAbsentAsync(key, claim, cancellation).ConfigureAwait(false)) return batch;
            switch (await store.ReadDocumentAsync<BatchClaim>(key, cancellation).ConfigureAwait(false))
            {
                case DocumentRead<BatchClaim>.Found { Document: var earlier }:
                    return earlier.Batch;
                case DocumentRead<BatchClaim>.Damaged:
                    // The batch of a damaged claim is unknown, so the key can be claimed again.
                    await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
                    break;
            }
        }

        throw new IOException("The claim keeps appearing and disappearing. Send the request again.");
    }

    /// <summary>Removes the claim of a batch that is removed. A claim of another batch stays.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    public async Task ReleaseAsync(string digest, BatchId batch, CancellationToken cancellation)
    {
        var key = ObjectKeys.Claim(digest);
        if (await store.ReadDocumentAsync<BatchClaim>(key, cancellation).ConfigureAwait(false)
            is DocumentRead<BatchClaim>.Found { Document: var claim } && claim.Batch != batch)
            return;
        await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
    }

    private sealed record BatchClaim(BatchId Batch) : IStoredDocument
    {
        public bool IsWholeAt(string key) => Batch != default;
    }
}
