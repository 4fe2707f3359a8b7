using System.Collections.Concurrent;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>Ends the waiting jobs of a batch: after a cancel, or at its deadline. Each gets a failed result, unless it
/// has a result already.</summary>
/// <remarks>
/// The order of the writes keeps a stop that breaks off. First the marker: it leads the next sweep here. Then the stop:
/// from then on nodes begin no job and outboxes send none. Then the results.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="closing">Closes batches, and knows their unfinished jobs.</param>
internal sealed class BatchStopping(IObjectStore store, BatchClosing closing)
{
    private const int WritesAtOnce = 8;
    private const int FirstAttempt = 1;

    // Long ago, so that every sweep sees that the jobs end now.
    private static readonly DateTimeOffset AtOnce = DateTimeOffset.UnixEpoch;

    /// <summary>Ends the waiting jobs now. A finished batch is not touched.</summary>
    /// <exception cref="IOException">The store cannot be reached. A sweep goes on.</exception>
    public async Task<StopOutcome> CancelAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        if (await closing.CloseIfDoneAsync(manifest, cancellation).ConfigureAwait(false) is not { } waiting)
            return StopOutcome.NothingWaits;
        var marker = ObjectKeys.StopMarker(manifest.Batch, AtOnce);
        await store.PutAsync(marker, ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);
        return await EndAsync(waiting, StopCause.Cancelled, cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends the waiting jobs if the deadline has passed, or if an earlier stop broke off.</summary>
    /// <exception cref="IOException">The store cannot be reached. A sweep goes on.</exception>
    public async Task<StopOutcome> EndDueAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        if (await closing.CloseIfDoneAsync(manifest, cancellation).ConfigureAwait(false) is not { } waiting)
            return StopOutcome.NothingWaits;
        // The cause of an earlier stop stays.
        if (waiting.IsStopped || await store.ExistsAsync(ObjectKeys.StopMarker(manifest.Batch, AtOnce), cancellation)
            .ConfigureAwait(false))
            return await EndAsync(waiting, StopCause.Cancelled, cancellation).ConfigureAwait(false);
        if (manifest.Deadline is not { } deadline) return StopOutcome.NothingWaits;
        var left = deadline - await StoreTimeAsync(manifest.Batch, deadline, cancellation).ConfigureAwait(false);
        return left > TimeSpan.Zero
            ? new StopOutcome([], left)
            : await EndAsync(waiting, StopCause.Expired, cancellation).ConfigureAwait(false);
    }

    /// <summary>The time by the store's clock, which counts: that of a web node may be wrong.</summary>
    private async Task<DateTimeOffset> StoreTimeAsync(
        BatchId batch, DateTimeOffset deadline, CancellationToken cancellation)
    {
        var key = ObjectKeys.StopMarker(batch, deadline);
        await store.PutAsync(key, ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);
        var marker = await store.GetAsync(key, cancellation).ConfigureAwait(false)
            ?? throw new IOException($"{key} was removed just after it was written.");
        await using (marker.ConfigureAwait(false)) return marker.LastModified;
    }

    private async Task<StopOutcome> EndAsync(
        UnfinishedJobs waiting, StopCause cause, CancellationToken cancellation)
    {
        var batch = waiting.Manifest.Batch;
        var stop = WireJson.WriteUtf8(new BatchStop(batch, cause));
        if (!await store.PutIfAbsentAsync(ObjectKeys.BatchStop(batch), stop, cancellation).ConfigureAwait(false))
            cause = await store.FindStopAsync(batch, cancellation).ConfigureAwait(false) ?? cause;
        var error = BatchStop.ErrorOf(cause);
        var results = new ConcurrentBag<JobResult>();
        await Parallel.ForEachAsync(
            waiting.Jobs,
            new ParallelOptions { MaxDegreeOfParallelism = WritesAtOnce, CancellationToken = cancellation },
            async (job, token) =>
                results.Add(await EndAsync(batch, job, error, token).ConfigureAwait(false))).ConfigureAwait(false);
        return new StopOutcome([.. results], null);
    }

    /// <summary>Stores the failure of one job. Returns its result: the failure, or what a node has stored first.</summary>
    private async Task<JobResult> EndAsync(
        BatchId batch, UnfinishedJob waiting, JobError error, CancellationToken cancellation)
    {
        var job = waiting.Job.Job;
        var attempt = waiting.SentAgainAt is null
            ? FirstAttempt
            : (await store.ReadAttemptAsync(batch, job, cancellation).ConfigureAwait(false)).Attempt;
        var failure = new JobResult(job, batch, attempt, JobStatus.Failed, [], error, null, WebInstance.Id, null);
        var key = ObjectKeys.Result(batch, job);
        if (await store.PutIfAbsentAsync(key, WireJson.WriteUtf8(failure), cancellation).ConfigureAwait(false))
            return failure;
        var stored = (await store.ReadDocumentAsync<JobResult>(key, cancellation).ConfigureAwait(false)).OrNull;
        if (stored is not null && !failure.Supersedes(stored)) return stored;
        await store.PutAsync(key, WireJson.WriteUtf8(failure), cancellation).ConfigureAwait(false);
        return failure;
    }
}

/// <summary>What a stop did.</summary>
/// <param name="Results">The results of the jobs that waited.</param>
/// <param name="DueIn">How long until the deadline by the store's clock; null if it has passed or there is
/// none.</param>
internal sealed record StopOutcome(IReadOnlyCollection<JobResult> Results, TimeSpan? DueIn)
{
    /// <summary>No job waits, or none must end.</summary>
    public static StopOutcome NothingWaits { get; } = new([], null);
}
