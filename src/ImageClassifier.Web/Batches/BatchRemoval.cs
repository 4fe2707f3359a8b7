using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>Removes all objects of a batch from the store. If the removal breaks off, a sweep finishes it: the batch's
/// note and markers are removed last.</summary>
internal sealed class BatchRemoval(IObjectStore store)
{
    private readonly BatchClaims _claims = new(store);

    /// <summary>Deletes a batch in any state.</summary>
    public async Task DeleteAsync(BatchId batch, CancellationToken cancellation)
    {
        await store.PutAsync(ObjectKeys.DeletionNote(batch), ReadOnlyMemory<byte>.Empty, cancellation)
            .ConfigureAwait(false);
        await RemoveAsync(batch, cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes all objects of a batch. The claim goes first, because only the manifest names it. The manifest
    /// goes next, so that no client can read half a batch.</summary>
    public async Task RemoveAsync(BatchId batch, CancellationToken cancellation)
    {
        if (await ClaimOfAsync(batch, cancellation).ConfigureAwait(false) is { } claim)
            await _claims.ReleaseAsync(claim, batch, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false);
        string[] prefixes =
        [
            ObjectKeys.RecordsOf(batch), ObjectKeys.ImagesOf(batch), ObjectKeys.ResultsOf(batch),
            ObjectKeys.RedriveMarkersOf(batch), ObjectKeys.StopMarkersOf(batch), CallbackKeys.WaitingOf(batch),
            CallbackKeys.DeadOf(batch),
        ];
        foreach (var prefix in prefixes)
        {
            await foreach (var found in store.ListAsync(prefix, cancellation).ConfigureAwait(false))
                await store.DeleteAsync(found.Key, cancellation).ConfigureAwait(false);
        }

        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.DeletionNote(batch), cancellation).ConfigureAwait(false);
    }

    private async Task<string?> ClaimOfAsync(BatchId batch, CancellationToken cancellation)
    {
        var manifest = await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false);
        if (manifest.OrNull is { } known) return known.Claim;
        var marker = await store.ReadDocumentAsync<UploadMarker>(ObjectKeys.OpenMarker(batch), cancellation)
            .ConfigureAwait(false);
        return marker.OrNull?.Claim;
    }
}
