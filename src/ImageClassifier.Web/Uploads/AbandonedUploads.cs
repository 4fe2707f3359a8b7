using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>Finds and removes uploads that started and never got a manifest.</summary>
internal sealed class AbandonedUploads(IObjectStore store, TimeSpan abandonedAfter)
{
    // Each check is a call to the store.
    private const int MaxChecks = 200;

    /// <summary>Finds uploads whose marker is older than the limit and whose manifest is missing. Some of them may
    /// still be running.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="after">The batch where the previous search stopped; null to start at the beginning.</param>
    /// <param name="cancellation">Cancels the search.</param>
    /// <returns>The uploads, and where the next search continues; null: at the beginning.</returns>
    public async Task<(IReadOnlyList<BatchId> Batches, BatchId? Next)> FindAsync(
        DateTimeOffset now, BatchId? after, CancellationToken cancellation)
    {
        var found = new List<BatchId>();
        var checks = 0;
        var cursor = after;
        await foreach (var open in store.ListOpenAsync(after, cancellation).ConfigureAwait(false))
        {
            if (now - open.MarkedAt < abandonedAfter) continue;
            if (checks == MaxChecks) return (found, cursor);
            checks++;
            cursor = open.Batch;
            if (!await store.ExistsAsync(ObjectKeys.Manifest(open.Batch), cancellation).ConfigureAwait(false))
                found.Add(open.Batch);
        }

        return (found, null);
    }

    /// <summary>Removes abandoned uploads, unless their manifest exists by now. None of them may be running.</summary>
    /// <returns>How many were removed.</returns>
    public async Task<int> CleanUpAsync(IEnumerable<BatchId> abandoned, CancellationToken cancellation)
    {
        var cleaned = 0;
        foreach (var batch in abandoned)
        {
            if (await store.ExistsAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false)) continue;
            await new BatchRemoval(store).RemoveAsync(batch, cancellation).ConfigureAwait(false);
            cleaned++;
        }

        return cleaned;
    }

    /// <summary>Removes what a rejected upload has stored: first its pictures, then its claim, then its
    /// marker.</summary>
    public static async Task DiscardAsync(
        IObjectStore store, BatchId batch, string? claim, CancellationToken cancellation)
    {
        await foreach (var image in store.ListAsync(ObjectKeys.ImagesOf(batch), cancellation).ConfigureAwait(false))
            await store.DeleteAsync(image.Key, cancellation).ConfigureAwait(false);
        if (claim is not null)
            await new BatchClaims(store).ReleaseAsync(claim, batch, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
    }
}
