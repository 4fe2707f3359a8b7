using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>Finds and removes uploads that started and never got a manifest.</summary>
/// <remarks>A sweep first writes a tombstone in the place of the manifest. Only one of tombstone and manifest can
/// exist. So an upload whose pictures are being removed cannot commit, even after a pause of its process. The tombstone
/// and the marker go last, when the tombstone is as old as an abandoned upload.</remarks>
internal sealed class AbandonedUploads(IObjectStore store, TimeSpan abandonedAfter)
{
    // Each check is a call to the store.
    private const int MaxChecks = 200;

    // A tombstone has about 100 bytes. Larger objects are manifests and need not be read.
    private const int MaxTombstone = 256;

    private readonly BatchClaims _claims = new(store);

    /// <summary>Removes uploads whose marker is older than the limit and whose manifest is missing.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="after">The batch where the previous sweep stopped; null to start at the beginning.</param>
    /// <param name="cancellation">Cancels the sweep.</param>
    /// <returns>How many were removed, and where the next sweep continues; null: at the beginning.</returns>
    public async Task<(int Removed, BatchId? Next)> SweepAsync(
        DateTimeOffset now, BatchId? after, CancellationToken cancellation)
    {
        var removed = 0;
        var checks = 0;
        var cursor = after;
        await foreach (var open in store.ListOpenAsync(after, cancellation).ConfigureAwait(false))
        {
            if (now - open.MarkedAt < abandonedAfter) continue;
            if (checks == MaxChecks) return (removed, cursor);
            checks++;
            cursor = open.Batch;
            if (await RemoveAsync(open.Batch, now, cancellation).ConfigureAwait(false)) removed++;
        }

        return (removed, null);
    }

    /// <summary>Removes what a rejected upload has stored, unless its batch was accepted meanwhile: first its pictures,
    /// then its claim, then its marker.</summary>
    public async Task DiscardAsync(
        BatchId batch, string? claim, DateTimeOffset now, RunningUpload upload, CancellationToken cancellation)
    {
        // Only an upload with a claim can be resumed by another request, which would lose its pictures here.
        if (claim is not null && !await TryEntombAsync(batch, now, cancellation).ConfigureAwait(false)) return;
        await RemovePicturesAsync(batch, cancellation).ConfigureAwait(false);
        if (claim is not null)
        {
            await _claims.ReleaseAsync(claim, batch, cancellation).ConfigureAwait(false);
            // Another request resumes the batch. The tombstone stops it, and a sweep removes the rest.
            if (!await upload.IsOwnerAsync(cancellation).ConfigureAwait(false)) return;
            await store.DeleteAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false);
        }

        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes the tombstone. False if the batch has a manifest or a tombstone.</summary>
    private Task<bool> TryEntombAsync(BatchId batch, DateTimeOffset now, CancellationToken cancellation) =>
        store.PutIfAbsentAsync(
            ObjectKeys.Manifest(batch), WireJson.WriteUtf8(BatchManifest.Tombstone(batch, now)), cancellation);

    /// <returns>True if this call decided that the upload is abandoned.</returns>
    private async Task<bool> RemoveAsync(BatchId batch, DateTimeOffset now, CancellationToken cancellation)
    {
        var key = ObjectKeys.Manifest(batch);
        DateTimeOffset? entombedAt = null;
        var manifest = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (manifest is not null)
        {
            await using (manifest.ConfigureAwait(false))
            {
                if (!await IsTombstoneAsync(manifest, cancellation).ConfigureAwait(false)) return false;
                entombedAt = manifest.LastModified;
            }
        }
        else if (!await TryEntombAsync(batch, now, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        var marker = await store.ReadDocumentAsync<UploadMarker>(ObjectKeys.OpenMarker(batch), cancellation)
            .ConfigureAwait(false);
        if (marker is DocumentRead<UploadMarker>.Missing)
        {
            // Another sweep has just finished here. No marker would lead anyone to a tombstone that stays.
            await RemoveStopMarkersAsync(batch, cancellation).ConfigureAwait(false);
            await RemoveTombstoneAsync(key, cancellation).ConfigureAwait(false);
            return false;
        }

        if (marker.OrNull?.Claim is { } claim)
            await _claims.ReleaseAsync(claim, batch, cancellation).ConfigureAwait(false);
        await RemovePicturesAsync(batch, cancellation).ConfigureAwait(false);
        if (entombedAt is null) return true;
        if (now - entombedAt < abandonedAfter) return false;

        await RemoveStopMarkersAsync(batch, cancellation).ConfigureAwait(false);
        // The marker goes last: it leads the next sweep here if this one breaks off.
        await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
        // Another sweep may have written a tombstone between these two calls.
        await RemoveTombstoneAsync(key, cancellation).ConfigureAwait(false);
        return false;
    }

    private async Task RemoveTombstoneAsync(string key, CancellationToken cancellation)
    {
        var manifest = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (manifest is null) return;
        await using (manifest.ConfigureAwait(false))
        {
            if (!await IsTombstoneAsync(manifest, cancellation).ConfigureAwait(false)) return;
        }

        await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
    }

    private static async Task<bool> IsTombstoneAsync(StoredObject stored, CancellationToken cancellation)
    {
        if (stored.Size > MaxTombstone) return false;
        using var reader = new StreamReader(stored.Content);
        var text = await reader.ReadToEndAsync(cancellation).ConfigureAwait(false);
        return WireJson.TryRead<BatchManifest>(text) is { IsTombstone: true };
    }

    private async Task RemoveStopMarkersAsync(BatchId batch, CancellationToken cancellation)
    {
        await foreach (var marker in
            store.ListAsync(ObjectKeys.StopMarkersOf(batch), cancellation).ConfigureAwait(false))
            await store.DeleteAsync(marker.Key, cancellation).ConfigureAwait(false);
    }

    private async Task RemovePicturesAsync(BatchId batch, CancellationToken cancellation)
    {
        await foreach (var image in store.ListAsync(ObjectKeys.ImagesOf(batch), cancellation).ConfigureAwait(false))
            await store.DeleteAsync(image.Key, cancellation).ConfigureAwait(false);
    }
}
