using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Which batch an idempotency key names. The first to claim a key decides, for as long as the batch is kept: whoever sends
/// the key again uploads into that batch or, once its manifest is there, is answered with it. So nothing has to run out when
/// an upload breaks off, and two that race cannot become two batches: a batch has one manifest.
/// </summary>
internal sealed class BatchClaims(IObjectStore store)
{
    // A claim can go, by retention or with its batch, just before it is read.
    private const int MaxTries = 3;

    /// <summary>Claims a key for a batch, unless it names one already.</summary>
    /// <param name="digest">The key, as <see cref="IdempotencyKey"/> stores it.</param>
    /// <param name="batch">A batch that no one else knows.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The batch that the key names.</returns>
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
                    // No one can tell any more which batch the key named, so it is free again.
                    await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
                    break;
            }
        }

        throw new IOException("A claim comes and goes.");
    }

    /// <summary>Removes the claim that names a batch which is not kept. A claim that names another batch stays.</summary>
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
