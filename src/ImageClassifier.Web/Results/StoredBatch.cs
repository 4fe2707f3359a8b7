using System.Collections.Concurrent;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Results;

/// <summary>Reads and deletes one batch in the store.</summary>
internal sealed class StoredBatch(IObjectStore store, BatchId batch, TimeProvider time)
{
    private const int ReadsAtOnce = 8;

    // A result of any attempt replaces a damaged one.
    private const int NoAttempt = 0;

    private readonly BatchRemoval _removal = new(store);
    private readonly BatchCallbacks _callbacks = new(store, time);

    /// <summary>Reads the manifest.</summary>
    public Task<DocumentRead<BatchManifest>> ReadManifestAsync(CancellationToken cancellation) =>
        store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation);

    /// <summary>Reads the stored results. A damaged one counts as the job's failure with
    /// <see cref="JobErrorCodes.ResultDamaged"/>.</summary>
    /// <param name="manifest">The batch. Objects of other jobs are ignored.</param>
    /// <param name="known">The keys of results that need not be read.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<IReadOnlyCollection<JobResult>> ReadResultsAsync(
        BatchManifest manifest, IReadOnlySet<string> known, CancellationToken cancellation)
    {
        var jobs = manifest.Accepted.ToDictionary(job => ObjectKeys.Result(batch, job.Job), job => job.Job);
        var results = new ConcurrentBag<JobResult>();
        await Parallel.ForEachAsync(
            store.ListAsync(ObjectKeys.ResultsOf(batch), cancellation),
            new ParallelOptions { MaxDegreeOfParallelism = ReadsAtOnce, CancellationToken = cancellation },
            async (listing, token) =>
            {
                if (known.Contains(listing.Key) || !jobs.TryGetValue(listing.Key, out var job)) return;
                var read = await store.ReadDocumentAsync<JobResult>(listing.Key, token).ConfigureAwait(false);
                if (read is DocumentRead<JobResult>.Damaged) results.Add(Unreadable(job));
                else if (read.OrNull is { } result) results.Add(result);
            }).ConfigureAwait(false);

        return results;
    }

    /// <summary>Closes the batch if it is finished by the store as well.</summary>
    /// <param name="manifest">The batch.</param>
    /// <param name="jobs">All its jobs with a result; used only for a callback.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <returns>True if this call closed it; false if it is not finished, or was closed before.</returns>
    public async Task<bool> CloseAsync(
        BatchManifest manifest, IReadOnlyCollection<FinishedJob> jobs, CancellationToken cancellation)
    {
        var isClosing = false;
        await new BatchClosing(store, StoreLastAsync).CloseIfDoneAsync(manifest, cancellation).ConfigureAwait(false);
        return isClosing;

        Task StoreLastAsync(BatchManifest closing, CancellationToken token)
        {
            isClosing = true;
            return StoreCallbacksAsync(closing, jobs, token);
        }
    }

    /// <summary>Ends the waiting jobs now.</summary>
    public Task<StopOutcome> CancelAsync(BatchManifest manifest, CancellationToken cancellation) =>
        Stopping.CancelAsync(manifest, cancellation);

    /// <summary>Ends the waiting jobs if the deadline has passed, or if an earlier stop broke off.</summary>
    public Task<StopOutcome> EndDueAsync(BatchManifest manifest, CancellationToken cancellation) =>
        Stopping.EndDueAsync(manifest, cancellation);

    private BatchStopping Stopping => new(store, new BatchClosing(store, _callbacks.AddMissingAsync));

    /// <summary>Stores a delivery for each of some new results.</summary>
    public Task StoreNewCallbacksAsync(
        BatchManifest manifest, IReadOnlyCollection<FinishedJob> jobs, CancellationToken cancellation) =>
        _callbacks.AddAsync(manifest, jobs, cancellation);

    /// <summary>Stores the deliveries that the batch owes by now and that were not stored before.</summary>
    public Task StoreCallbacksAsync(
        BatchManifest manifest, IReadOnlyCollection<FinishedJob> jobs, CancellationToken cancellation) =>
        manifest.Callback is null ? Task.CompletedTask : _callbacks.AddMissingAsync(manifest, jobs, cancellation);

    /// <summary>Deletes the batch.</summary>
    public Task DeleteAsync(CancellationToken cancellation) => _removal.DeleteAsync(batch, cancellation);

    /// <summary>Removes the rest of a deleted batch, or of one that never existed.</summary>
    public Task DeleteRestAsync(CancellationToken cancellation) => _removal.RemoveAsync(batch, cancellation);

    /// <summary>Removes what was stored after the batch was deleted: a job's result, the notes of its sending and the
    /// batch's model.</summary>
    public async Task DeleteLateAsync(IEnumerable<JobId> jobs, CancellationToken cancellation)
    {
        var late = jobs.SelectMany(job => new[] { ObjectKeys.Result(batch, job), ObjectKeys.Attempt(batch, job) })
            .Append(ObjectKeys.SentNote(batch))
            .Append(ObjectKeys.BatchModel(batch));
        foreach (var key in late) await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
    }

    private JobResult Unreadable(JobId job)
    {
        var error = new JobError(
            JobErrorCodes.ResultDamaged, "The stored result of the picture is damaged. Upload the picture again.");
        return new JobResult(job, batch, NoAttempt, JobStatus.Failed, [], error, null, WebInstance.Id, null);
    }
}
