using System.Runtime.CompilerServices;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>Lists the markers of open batches: those that are not finished, and those whose deletion is not
/// finished.</summary>
internal static class OpenMarkers
{
    /// <summary>Lists each open batch once, ordered by id. Some may have no manifest.</summary>
    /// <param name="store">The store.</param>
    /// <param name="after">The last batch of the previous walk; null to start at the beginning.</param>
    /// <param name="cancellation">Cancels the walk.</param>
    public static async IAsyncEnumerable<OpenBatch> ListOpenAsync(
        this IObjectStore store, BatchId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        OpenBatch? found = null;
        await foreach (var marker in store.ListAsync(ObjectKeys.OpenBatches, cancellation).ConfigureAwait(false))
        {
            if (!ObjectKeys.TryParseOpenMarker(marker.Key, out var batch, out var isDeletion)
                || (after is { } done && string.CompareOrdinal(batch.Value, done.Value) <= 0))
                continue;
            // The markers of one batch are adjacent in the listing.
            if (found?.Batch != batch)
            {
                if (found is not null) yield return found;
                found = new OpenBatch(batch, marker.LastModified, IsDeleting: false);
            }

            if (isDeletion) found = found with { IsDeleting = true };
            if (ObjectKeys.TryParseStopMarker(marker.Key, batch, out var stopsAt) && !(found.StopsAt <= stopsAt))
                found = found with { StopsAt = stopsAt };
        }

        if (found is not null) yield return found;
    }
}

/// <summary>A batch with an open marker.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="MarkedAt">When the marker was written, by the store's clock.</param>
/// <param name="IsDeleting">Whether its deletion has begun.</param>
internal sealed record OpenBatch(BatchId Batch, DateTimeOffset MarkedAt, bool IsDeleting)
{
    /// <summary>When its waiting jobs end: its deadline, or long ago after a cancel. Null if neither is known.</summary>
    public DateTimeOffset? StopsAt { get; init; }
}
