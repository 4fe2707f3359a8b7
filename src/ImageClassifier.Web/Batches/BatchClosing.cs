using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>
/// Closes a batch: removes the open markers of an accepted batch once the store has a result for every job's current
/// attempt. The state of the live batch does not count, because a redrive changes the store and not the live batch.
/// </summary>
/// <remarks>
/// A redrive first notes the next attempt, then writes a marker with a key of its own. So a closer that sees the marker
/// also sees the note and does not close. A closer that does not see the marker does not remove it.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="storeCallbacks">Stores the deliveries that a finished batch owes. Afterwards only they know of
/// them.</param>
internal sealed class BatchClosing(IObjectStore store, Func<BatchManifest, CancellationToken, Task> storeCallbacks)
{
    /// <summary>Closes the batch if all its jobs are done.</summary>
    /// <returns>The jobs that are not done; null if all are, or if the batch was closed already.</returns>
    public async Task<UnfinishedJobs?> CloseIfDoneAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        // Markers must be listed before results: see the remarks.
        var markers = await MarkersOfAsync(manifest.Batch, cancellation).ConfigureAwait(false);
        if (markers.Count == 0) return null;
        if (await FindUnfinishedAsync(manifest, cancellation).ConfigureAwait(false) is { } unfinished)
            return unfinished;
        await storeCallbacks(manifest, cancellation).ConfigureAwait(false);
        foreach (var marker in markers) await store.DeleteAsync(marker, cancellation).ConfigureAwait(false);
        return null;
    }

    private async Task<List<string>> MarkersOfAsync(BatchId batch, CancellationToken cancellation)
    {
        var markers = new List<string>();
        // The key of the first marker is the prefix of the others.
        await foreach (var found in store.ListAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false))
        {
            if (ObjectKeys.TryParseOpenMarker(found.Key, out _, out var isDeletion) && !isDeletion)
                markers.Add(found.Key);
        }

        return markers;
    }

    private async Task<UnfinishedJobs?> FindUnfinishedAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        var batch = manifest.Batch;
        var results = new HashSet<string>();
        await foreach (var result in store.ListAsync(ObjectKeys.ResultsOf(batch), cancellation).ConfigureAwait(false))
            results.Add(result.Key);
        var attempts = new Dictionary<string, DateTimeOffset>();
        await foreach (var note in store.ListAsync(ObjectKeys.AttemptsOf(batch), cancellation).ConfigureAwait(false))
            attempts[note.Key] = note.LastModified;

        var unfinished = new List<UnfinishedJob>();
        foreach (var job in manifest.Accepted)
        {
            var isSentAgain = attempts.TryGetValue(ObjectKeys.Attempt(batch, job.Job), out var sentAgainAt);
            if (results.Contains(ObjectKeys.Result(batch, job.Job))
                && !(isSentAgain && await IsOutdatedAsync(batch, job.Job, cancellation).ConfigureAwait(false)))
                continue;
            unfinished.Add(new UnfinishedJob(job, isSentAgain ? sentAgainAt : null));
        }

        return unfinished.Count > 0
            ? new UnfinishedJobs(manifest, unfinished) { IsStopped = results.Contains(ObjectKeys.BatchStop(batch)) }
            : null;
    }

    /// <summary>True if the stored result is the failure of an earlier attempt than the current one. A damaged result
    /// counts as final until a redrive removes it.</summary>
    private async Task<bool> IsOutdatedAsync(BatchId batch, JobId job, CancellationToken cancellation)
    {
        var read = await store.ReadDocumentAsync<JobResult>(ObjectKeys.Result(batch, job), cancellation)
            .ConfigureAwait(false);
        if (read is DocumentRead<JobResult>.Missing) return true;
        if (read.OrNull is not { Status: JobStatus.Failed } failed) return false;
        var current = await store.ReadAttemptAsync(batch, job, cancellation).ConfigureAwait(false);
        return failed.Attempt < current.Attempt;
    }
}

/// <summary>The unfinished jobs of a batch.</summary>
internal sealed record UnfinishedJobs(BatchManifest Manifest, IReadOnlyList<UnfinishedJob> Jobs)
{
    /// <summary>True if these jobs are not to be done any more, but to end as failed.</summary>
    public bool IsStopped { get; init; }
}

/// <summary>An unfinished job.</summary>
/// <param name="Job">The job.</param>
/// <param name="SentAgainAt">When its current attempt was noted; null for the first attempt.</param>
internal sealed record UnfinishedJob(ManifestJob Job, DateTimeOffset? SentAgainAt);
