using System.Collections.Frozen;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;

namespace ImageClassifier.Web.Results;

/// <summary>Stores the deliveries that batches with a callback owe. The id of a delivery comes from its job or batch
/// and the attempt, so that a delivery that is stored twice has the same id.</summary>
internal sealed class BatchCallbacks(IObjectStore store, TimeProvider time)
{
    /// <summary>The type of the delivery that a job has its result. Receivers compare it.</summary>
    public const string JobFinished = "job.finished";

    /// <summary>The type of the delivery that all jobs have their results. Receivers compare it.</summary>
    public const string BatchFinished = "batch.finished";

    private const int WritesAtOnce = 8;

    private readonly StoredCallbacks _stored = new(store);

    /// <summary>Stores a delivery for each of some results.</summary>
    public Task AddAsync(BatchManifest manifest, IEnumerable<FinishedJob> jobs, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            jobs,
            new ParallelOptions { MaxDegreeOfParallelism = WritesAtOnce, CancellationToken = cancellation },
            async (job, token) =>
                await _stored.AddAsync(DeliveryOf(manifest, job), SubjectOf(job), token).ConfigureAwait(false));

    /// <summary>Stores the deliveries that a batch owes by now and that were not stored before.</summary>
    /// <param name="manifest">A batch with a callback.</param>
    /// <param name="jobs">All its jobs with a result.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task AddMissingAsync(
        BatchManifest manifest, IReadOnlyCollection<FinishedJob> jobs, CancellationToken cancellation)
    {
        var known = await _stored.ProgressOfAsync(manifest.Batch, cancellation).ConfigureAwait(false);
        if (manifest.Callback is { Events: CallbackEvents.Job })
        {
            await AddAsync(manifest, jobs.Where(job => !known.Contains(SubjectOf(job))), cancellation)
                .ConfigureAwait(false);
            return;
        }

        var subject = new CallbackSubject(null, jobs.Sum(job => job.Attempt));
        if (jobs.Count < manifest.Accepted.Count() || known.Contains(subject)) return;
        await _stored.AddAsync(DeliveryOf(manifest, jobs, subject), subject, cancellation).ConfigureAwait(false);
    }

    /// <summary>Stores what is missing of a finished batch that is not in memory. Nothing happens without a
    /// callback.</summary>
    public async Task AddMissingAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        if (manifest.Callback is null) return;
        var entries = manifest.Accepted.ToDictionary(job => job.Job);
        var results = await new StoredBatch(store, manifest.Batch, time)
            .ReadResultsAsync(manifest, FrozenSet<string>.Empty, cancellation).ConfigureAwait(false);
        await AddMissingAsync(
            manifest,
            [.. results.Select(result => new FinishedJob(JobDocument.Of(entries[result.Job], result), result.Attempt))],
            cancellation).ConfigureAwait(false);
    }

    private static CallbackSubject SubjectOf(FinishedJob job) => new(job.Document.JobId, job.Attempt);

    private CallbackDelivery DeliveryOf(BatchManifest manifest, FinishedJob job) => DeliveryOf(
        manifest, SubjectOf(job).ToString(), JobFinished,
        new FinishedJobDocument(manifest.Batch, job.Document, BatchLinks.Of(manifest.Batch)));

    private CallbackDelivery DeliveryOf(
        BatchManifest manifest, IEnumerable<FinishedJob> jobs, CallbackSubject subject)
    {
        var refused = manifest.Jobs.Where(job => job.Refusal is not null).Select(job => JobDocument.Of(job, result: null));
        return DeliveryOf(
            manifest, $"{manifest.Batch}-{subject.Attempt}", BatchFinished,
            BatchSummary.Of(manifest.Batch, manifest.SubmittedAt, [.. jobs.Select(job => job.Document), .. refused]));
    }

    private CallbackDelivery DeliveryOf<T>(BatchManifest manifest, string id, string type, T data)
    {
        var wish = manifest.Callback!;
        var now = time.GetUtcNow();
        var body = WireJson.Write(new CallbackMessage<T>(type, now, data));
        return new CallbackDelivery(id, manifest.Batch, wish.Url, wish.Key, now, body);
    }
}

/// <summary>A job with its result.</summary>
/// <param name="Document">The job in the API.</param>
/// <param name="Attempt">The attempt of the result.</param>
internal sealed record FinishedJob(JobDocument Document, int Attempt);

/// <summary>The body of a delivery.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Timestamp">When it happened.</param>
/// <param name="Data">The document of the job or batch.</param>
internal sealed record CallbackMessage<T>(string Type, DateTimeOffset Timestamp, T Data);

/// <summary>The data of the delivery that a job has its result.</summary>
/// <param name="BatchId">The job's batch.</param>
/// <param name="Job">The job with its result.</param>
/// <param name="Links">The addresses of the batch.</param>
internal sealed record FinishedJobDocument(BatchId BatchId, JobDocument Job, BatchLinks Links);
