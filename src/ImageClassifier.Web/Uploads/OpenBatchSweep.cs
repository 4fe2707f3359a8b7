using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>One walk over the open batches, limited in batches and jobs.</summary>
/// <param name="store">The store.</param>
/// <param name="time">The clock.</param>
/// <param name="lostAfter">Minimum age of an attempt before its message can count as lost.</param>
/// <param name="maxBatches">How many batches it visits at most.</param>
/// <param name="offQueueBefore">Messages sent before this time are no longer on the queue; null if unknown.</param>
internal sealed class OpenBatchSweep(
    IObjectStore store, TimeProvider time, TimeSpan lostAfter, int maxBatches, DateTimeOffset? offQueueBefore)
{
    /// <summary>How often a job with a lost message is sent again.</summary>
    public const int MaxLost = 2;

    // Each job costs a few calls to the store.
    private const int MaxJobs = 1000;

    private readonly DateTimeOffset _now = time.GetUtcNow();
    private readonly List<BatchId> _unsent = [];
    private readonly List<BatchId> _deleting = [];
    private readonly HashSet<BatchId> _due = [];
    private readonly List<ClassificationRequest> _again = [];
    private readonly List<JobResult> _lost = [];

    /// <summary>Walks on from a batch. A failure ends the walk, but its findings so far are returned: a job whose next
    /// attempt is noted in the store must also be sent.</summary>
    /// <param name="after">The last batch of the previous walk; null to start at the beginning.</param>
    /// <param name="cancellation">Cancels the walk.</param>
    public async Task<SweepFindings> RunAsync(BatchId? after, CancellationToken cancellation)
    {
        var cursor = after;
        try
        {
            var visited = 0;
            await foreach (var open in store.ListOpenAsync(after, cancellation).ConfigureAwait(false))
            {
                if (visited == maxBatches || _again.Count + _lost.Count >= MaxJobs) return Findings(cursor, null);
                visited++;
                // Set before the visit: the next walk skips a batch that cannot be read.
                cursor = open.Batch;
                if (!open.IsDeleting && open.StopsAt <= _now) _due.Add(open.Batch);
                if (open.IsDeleting) _deleting.Add(open.Batch);
                else await VisitAsync(open.Batch, cancellation).ConfigureAwait(false);
            }

            return Findings(null, null);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            return Findings(cursor, failure);
        }
    }

    private SweepFindings Findings(BatchId? next, Exception? failure) =>
        new(_unsent, _deleting, [.. _due], _again, _lost, next, failure);

    private async Task VisitAsync(BatchId batch, CancellationToken cancellation)
    {
        if (await SentAtAsync(batch, cancellation).ConfigureAwait(false) is not { } sentAt)
        {
            _unsent.Add(batch);
            return;
        }

        if (_now - sentAt < lostAfter) return;
        var read = await new StoredOutbox(store, time).LoadOpenAsync(batch, cancellation).ConfigureAwait(false);
        // The outbox logs the damage once.
        if (read is OutboxRead.Damaged) _unsent.Add(batch);
        if (read is not OutboxRead.Open { Unfinished: var open } || offQueueBefore is not { } offQueue) return;
        if (open.IsStopped)
        {
            _due.Add(batch);
            return;
        }

        foreach (var unfinished in open.Jobs)
        {
            var lastSent = unfinished.SentAgainAt ?? sentAt;
            if (_now - lastSent >= lostAfter && lastSent < offQueue)
                await SendAgainAsync(open.Manifest, unfinished.Job, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<DateTimeOffset?> SentAtAsync(BatchId batch, CancellationToken cancellation)
    {
        var note = await store.GetAsync(ObjectKeys.SentNote(batch), cancellation).ConfigureAwait(false);
        if (note is null) return null;
        await note.DisposeAsync().ConfigureAwait(false);
        return note.LastModified;
    }

    private async Task SendAgainAsync(BatchManifest manifest, ManifestJob job, CancellationToken cancellation)
    {
        var last = await store.ReadAttemptAsync(manifest.Batch, job.Job, cancellation).ConfigureAwait(false);
        if (last.Lost >= MaxLost)
        {
            _lost.Add(await GiveUpAsync(manifest.Batch, job.Job, last, cancellation).ConfigureAwait(false));
            return;
        }

        var next = new JobAttempt(last.Attempt + 1, last.Lost + 1);
        var key = ObjectKeys.Attempt(manifest.Batch, job.Job);
        await store.PutAsync(key, WireJson.WriteUtf8(next), cancellation).ConfigureAwait(false);
        _again.Add(manifest.Request(job, next.Attempt));
    }

    private async Task<JobResult> GiveUpAsync(
        BatchId batch, JobId job, JobAttempt last, CancellationToken cancellation)
    {
        var error = new JobError(JobErrorCodes.Lost, string.Create(CultureInfo.InvariantCulture,
            $"The job was sent {last.Lost + 1} times and lost on its way every time. Upload the picture again."));
        var result = new JobResult(job, batch, last.Attempt, JobStatus.Failed, [], error, null, WebInstance.Id, null);
        var key = ObjectKeys.Result(batch, job);
        if (await store.PutIfAbsentAsync(key, WireJson.WriteUtf8(result), cancellation).ConfigureAwait(false))
            return result;
        var stored = (await store.ReadDocumentAsync<JobResult>(key, cancellation).ConfigureAwait(false)).OrNull;
        if (stored is not null && !result.Supersedes(stored)) return stored;
        // The failure of an earlier attempt says more about the picture than the loss of a later one.
        var ended = stored is null ? result : stored with { Attempt = last.Attempt };
        await store.PutAsync(key, WireJson.WriteUtf8(ended), cancellation).ConfigureAwait(false);
        return ended;
    }
}

/// <summary>The findings of a walk over open batches.</summary>
/// <param name="Unsent">Batches whose messages are not marked as sent.</param>
/// <param name="Deleting">Batches whose deletion may have broken off.</param>
/// <param name="Due">Batches whose waiting jobs must end: their deadline has passed, or a cancel broke off.</param>
/// <param name="Again">Jobs with lost messages, as their next attempts.</param>
/// <param name="Lost">Failures of jobs that were lost too often, as stored.</param>
/// <param name="Next">Where the next walk continues; null: at the beginning.</param>
/// <param name="Failure">What ended the walk early; null if nothing did.</param>
internal sealed record SweepFindings(
    IReadOnlyList<BatchId> Unsent,
    IReadOnlyList<BatchId> Deleting,
    IReadOnlyList<BatchId> Due,
    IReadOnlyList<ClassificationRequest> Again,
    IReadOnlyList<JobResult> Lost,
    BatchId? Next,
    Exception? Failure);
