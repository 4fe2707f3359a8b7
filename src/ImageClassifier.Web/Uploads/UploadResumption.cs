using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>Decides whether a request may resume an upload that another request began, perhaps on another node. Ages
/// are differences of two times of the store's clock, so no node's clock matters.</summary>
internal sealed class UploadResumption(IObjectStore store, TimeSpan abandonedAfter)
{
    /// <summary>An upload is not resumed so shortly before its removal: the clock of the node that sweeps may differ
    /// from the store's clock.</summary>
    public static readonly TimeSpan RemovalMargin = TimeSpan.FromMinutes(5);

    /// <summary>Checks whether an upload has ended and is not about to be removed.</summary>
    /// <param name="own">A batch whose marker was just written: it tells the store's time.</param>
    /// <param name="earlier">The batch of the earlier upload, which has no manifest.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public async Task<bool> MayResumeAsync(BatchId own, BatchId earlier, CancellationToken cancellation)
    {
        if (await MarkedAtAsync(own, cancellation) is not { } now) return false;
        // A batch without a marker is not running, and no sweep will remove it.
        if (await MarkedAtAsync(earlier, cancellation) is not { } markedAt) return true;
        var age = now - markedAt;
        if (age >= abandonedAfter - RemovalMargin) return false;
        if (age >= RunningUpload.AliveFor) return true;
        var marker = await store.ReadDocumentAsync<UploadMarker>(ObjectKeys.OpenMarker(earlier), cancellation);
        return marker.OrNull is { HasEnded: true };
    }

    private async Task<DateTimeOffset?> MarkedAtAsync(BatchId batch, CancellationToken cancellation)
    {
        var marker = await store.GetAsync(ObjectKeys.OpenMarker(batch), cancellation);
        if (marker is null) return null;
        await marker.DisposeAsync();
        return marker.LastModified;
    }
}
