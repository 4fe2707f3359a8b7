using System.Runtime.CompilerServices;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>The markers of batches that have begun and are not finished, or whose deletion is not finished.</summary>
internal static class OpenMarkers
{
    /// <summary>Walks over the batches that are marked, each once, in the order of their ids; some may have no
    /// manifest.</summary>
    /// <param name="store">Where the markers are.</param>
    /// <param name="after">The last batch that an earlier walk came to; null for the beginning.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async IAsyncEnumerable<OpenBatch> ListOpenAsync(
        this IObjectStore store, BatchId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        OpenBatch? found = null;
        await foreach (var marker in store.ListAsync(ObjectKeys.OpenBatches, cancellation).ConfigureAwait(false))
        {
            if (!ObjectKeys.TryParseOpenMarker(marker.Key, out var batch, out var isDeletion)
                || (after is { } done && string.CompareOrdinal(batch.Value, done.Value) <= 0))
                continue;
            if (found?.Batch == batch)
            {
                // The markers of a batch follow each other.
                found = found with { IsDeleting = found.IsDeleting || isDeletion };
                continue;
            }

            if (found is not null) yield return found;
            found = new OpenBatch(batch, marker.LastModified, isDeletion);
        }

        if (found is not null) yield return found;
    }
}

/// <summary>A batch that is marked.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="MarkedAt">When it was marked, by the store's clock.</param>
/// <param name="IsDeleting">Whether someone has begun to delete it.</param>
internal sealed record OpenBatch(BatchId Batch, DateTimeOffset MarkedAt, bool IsDeleting);
