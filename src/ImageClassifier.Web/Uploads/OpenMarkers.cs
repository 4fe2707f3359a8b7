using System.Runtime.CompilerServices;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>The markers of batches that have begun and are not finished.</summary>
internal static class OpenMarkers
{
    /// <summary>Walks over the batches that are marked, in the order of their ids; some may have no manifest.</summary>
    /// <param name="store">Where the markers are.</param>
    /// <param name="after">The last batch that an earlier walk came to; null for the beginning.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Each batch, and when it was marked by the store's clock.</returns>
    public static async IAsyncEnumerable<(BatchId Batch, DateTimeOffset MarkedAt)> ListOpenAsync(
        this IObjectStore store, BatchId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var marker in store.ListAsync(ObjectKeys.OpenBatches, cancellation).ConfigureAwait(false))
        {
            if (ObjectKeys.TryParseOpenMarker(marker.Key, out var batch)
                && (after is not { } done || string.CompareOrdinal(batch.Value, done.Value) > 0))
                yield return (batch, marker.LastModified);
        }
    }
}
