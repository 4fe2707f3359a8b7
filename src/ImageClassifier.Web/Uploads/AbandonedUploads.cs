using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Uploads;

/// <summary>Finds uploads that began and never came to their manifest, and removes what they left.</summary>
internal sealed class AbandonedUploads(IObjectStore store, TimeSpan abandonedAfter)
{
    // Each is a call to the store.
    private const int MaxChecks = 200;

    /// <summary>The uploads whose marker is older than the limit and whose manifest is missing. Some may be under
    /// way.</summary>
    /// <param name="now">When it is.</param>
    /// <param name="after">Where an earlier look came to; null for the beginning.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What was found, and where the next look goes on; null for the beginning.</returns>
    public async Task<(IReadOnlyList<BatchId> Batches, BatchId? Next)> FindAsync(
        DateTimeOffset now, BatchId? after, CancellationToken cancellation)
    {
        var found = new List<BatchId>();
        var checks = 0;
        var place = after;
        await foreach (var open in store.ListOpenAsync(after, cancellation).ConfigureAwait(false))
        {
            if (now - open.MarkedAt < abandonedAfter) continue;
            if (checks == MaxChecks) return (found, place);
            checks++;
            place = open.Batch;
            if (!await store.ExistsAsync(ObjectKeys.Manifest(open.Batch), cancellation).ConfigureAwait(false))
                found.Add(open.Batch);
        }

        return (found, null);
    }

    /// <summary>Cleans up uploads that were found and are not under way, unless their manifest has come since.</summary>
    /// <returns>How many.</returns>
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

    /// <summary>Removes what an upload that was not accepted has stored: its pictures, its claim, and then its
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
