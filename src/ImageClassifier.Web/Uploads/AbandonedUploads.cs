using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>Finds uploads that began and never came to their manifest, and removes what they left.</summary>
internal sealed class AbandonedUploads(IObjectStore store, TimeSpan abandonedAfter)
{
    /// <summary>The uploads whose marker is older than the limit and whose manifest is missing. Some may be under
    /// way.</summary>
    public async Task<IReadOnlyList<BatchId>> FindAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var found = new List<BatchId>();
        await foreach (var marker in store.ListAsync(ObjectKeys.OpenBatches, cancellation).ConfigureAwait(false))
        {
            if (now - marker.LastModified < abandonedAfter
                || !ObjectKeys.TryParseOpenMarker(marker.Key, out var batch)
                || await store.ExistsAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false))
                continue;
            found.Add(batch);
        }

        return found;
    }

    /// <summary>Cleans up uploads that were found and are not under way, unless their manifest has come since.</summary>
    /// <returns>How many.</returns>
    public async Task<int> CleanUpAsync(IEnumerable<BatchId> abandoned, CancellationToken cancellation)
    {
        var cleaned = 0;
        foreach (var batch in abandoned)
        {
            if (await store.ExistsAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false)) continue;
            await DiscardAsync(store, batch, cancellation).ConfigureAwait(false);
            cleaned++;
        }

        return cleaned;
    }

    /// <summary>Removes the pictures of an upload that was not accepted, and then its marker.</summary>
    public static async Task DiscardAsync(
        IObjectStore store, BatchId batch, CancellationToken cancellation)
    {
        await foreach (var image in store.ListAsync(ObjectKeys.ImagesOf(batch), cancellation).ConfigureAwait(false))
            await store.DeleteAsync(image.Key, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
    }
}
