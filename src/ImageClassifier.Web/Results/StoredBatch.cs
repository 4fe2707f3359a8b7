using System.Collections.Concurrent;
using System.Collections.Frozen;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Web.Results;

/// <summary>A batch as the store keeps it.</summary>
internal sealed class StoredBatch(IObjectStore store, BatchId batch)
{
    private const int ReadsAtOnce = 8;

    /// <summary>Reads the batch; null where there is none.</summary>
    public async Task<BatchState?> LoadAsync(CancellationToken cancellation)
    {
        var manifest = await store.ReadJsonAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false);
        return manifest is null
            ? null
            : new BatchState(manifest, await ReadResultsAsync(FrozenSet<string>.Empty, cancellation).ConfigureAwait(false));
    }

    /// <summary>Reads the results that there are.</summary>
    /// <param name="known">The keys of those that need not be read.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyCollection<JobResult>> ReadResultsAsync(
        IReadOnlySet<string> known, CancellationToken cancellation)
    {
        var results = new ConcurrentBag<JobResult>();
        await Parallel.ForEachAsync(
            store.ListAsync(ObjectKeys.ResultsOf(batch), cancellation),
            new ParallelOptions { MaxDegreeOfParallelism = ReadsAtOnce, CancellationToken = cancellation },
            async (listing, token) =>
            {
                if (known.Contains(listing.Key)) return;
                var result = await store.ReadJsonAsync<JobResult>(listing.Key, token).ConfigureAwait(false);
                if (result is not null) results.Add(result);
            }).ConfigureAwait(false);

        return results;
    }

    /// <summary>Notes that all jobs have their results.</summary>
    public Task CloseAsync(CancellationToken cancellation) =>
        store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation);

    /// <summary>Removes all there is of the batch. The claim goes first, because only the manifest names it, and then the
    /// manifest, so that a deletion that is broken off leaves a batch that no one can read rather than half of one; a
    /// repeated deletion removes the rest.</summary>
    public async Task DeleteAsync(CancellationToken cancellation)
    {
        var manifest = await store.ReadJsonAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false);
        if (manifest?.Claim is { } claim)
            await store.DeleteAsync(ObjectKeys.Claim(claim), cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false);
        string[] prefixes =
        [
            ObjectKeys.RecordsOf(batch), ObjectKeys.ImagesOf(batch), ObjectKeys.ResultsOf(batch),
        ];
        foreach (var prefix in prefixes)
        {
            await foreach (var found in store.ListAsync(prefix, cancellation).ConfigureAwait(false))
                await store.DeleteAsync(found.Key, cancellation).ConfigureAwait(false);
        }

        await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes what came after the batch was deleted: a job's result, and the note that its message was
    /// sent.</summary>
    public async Task DeleteLateAsync(JobId job, CancellationToken cancellation)
    {
        await store.DeleteAsync(ObjectKeys.Result(batch, job), cancellation).ConfigureAwait(false);
        await store.DeleteAsync(ObjectKeys.SentNote(batch), cancellation).ConfigureAwait(false);
    }
}
