using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Closes batches: removes the markers of an accepted batch, and only where the store has a result of every job's current
/// attempt. What a live batch knows does not count, because a redrive changes the store past it.
/// </summary>
/// <remarks>
/// A redrive notes the next attempt before it writes its marker, and each marker has a key of its own. So whoever sees the
/// marker also sees the note, and does not close; and whoever did not see the marker does not remove it.
/// </remarks>
internal sealed class BatchClosing(IObjectStore store)
{
    /// <summary>Closes the batch if it is done.</summary>
    /// <returns>The jobs that are not done; null where there are none, or the batch was closed already.</returns>
    public async Task<UnfinishedJobs?> CloseIfDoneAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        // The order matters: markers first.
        var markers = await MarkersOfAsync(manifest.Batch, cancellation).ConfigureAwait(false);
        if (markers.Count == 0) return null;
        if (await FindUnfinishedAsync(manifest, cancellation).ConfigureAwait(false) is { } unfinished) return unfinished;
        foreach (var marker in markers) await store.DeleteAsync(marker, cancellation).ConfigureAwait(false);
        return null;
    }

    private async Task<List<string>> MarkersOfAsync(BatchId batch, CancellationToken cancellation)
    {
        var markers = new List<string>();
        var upload = ObjectKeys.OpenMarker(batch);
        if (await store.ExistsAsync(upload, cancellation).ConfigureAwait(false)) markers.Add(upload);
        await foreach (var marker in
            store.ListAsync(ObjectKeys.RedriveMarkersOf(batch), cancellation).ConfigureAwait(false))
            markers.Add(marker.Key);
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

        return unfinished.Count > 0 ? new UnfinishedJobs(manifest, unfinished) : null;
    }

    /// <summary>Whether the stored result is the failure of an attempt before the one that is under way. A damaged result
    /// ends its job, for as long as no redrive removes it.</summary>
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

/// <summary>The jobs of a batch that are not done.</summary>
internal sealed record UnfinishedJobs(BatchManifest Manifest, IReadOnlyList<UnfinishedJob> Jobs);

/// <summary>A job that is not done.</summary>
/// <param name="Job">The job.</param>
/// <param name="SentAgainAt">When its current attempt was noted; null for the first attempt.</param>
internal sealed record UnfinishedJob(ManifestJob Job, DateTimeOffset? SentAgainAt);
