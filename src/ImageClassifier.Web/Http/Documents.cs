using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>A job in the API.</summary>
internal sealed record JobDocument(
    JobId JobId,
    string FileName,
    JobStatus Status,
    IReadOnlyList<Prediction>? Predictions,
    string? Error,
    string? ErrorCode,
    ModelIdentity? Model,
    InstanceId? InstanceId,
    JobTimings? Timings)
{
    public static JobDocument Of(JobView job)
    {
        var error = job.Refusal ?? job.Result?.Error;
        return new JobDocument(
            job.Job, job.FileName, job.Status, job.Result?.Predictions, error?.Message, error?.Code,
            job.Result?.Model, job.Result?.InstanceId, job.Result?.Timings);
    }
}

/// <summary>The answer to an upload.</summary>
internal sealed record AcceptedDocument(BatchId BatchId, IReadOnlyList<AcceptedJobDocument> Jobs, BatchLinks Links);

/// <summary>One file of an upload.</summary>
internal sealed record AcceptedJobDocument(
    JobId JobId, string FileName, JobStatus Status, string? Error, string? ErrorCode);

/// <summary>The addresses of a batch.</summary>
internal sealed record BatchLinks(string Self, string Events, string Socket)
{
    public static BatchLinks Of(BatchId batch) =>
        new($"/api/batches/{batch}", $"/api/batches/{batch}/events", $"/ws?batch={batch}");
}

/// <summary>A batch in the API.</summary>
internal sealed record BatchDocument(
    BatchId BatchId,
    DateTimeOffset SubmittedAt,
    int Total,
    int Completed,
    int Failed,
    int Rejected,
    IReadOnlyList<JobDocument> Jobs,
    BatchLinks Links)
{
    public static BatchDocument Of(BatchView batch)
    {
        int In(JobStatus status) => batch.Jobs.Count(job => job.Status == status);
        var rejected = In(JobStatus.Rejected);
        return new BatchDocument(
            batch.Batch, batch.SubmittedAt,
            Total: batch.Jobs.Count - rejected,
            Completed: In(JobStatus.Classified),
            Failed: In(JobStatus.Failed),
            Rejected: rejected,
            [.. batch.Jobs.Select(JobDocument.Of)],
            BatchLinks.Of(batch.Batch));
    }
}

/// <summary>An event of a batch, the same on a WebSocket and in an event stream.</summary>
internal sealed record EventDocument(string Id, string Type, JobDocument? Job)
{
    // Part of the protocol: clients compare these values.
    public const string Result = "result";

    public const string Complete = "complete";

    public static EventDocument Of(BatchEvent batchEvent) => batchEvent.Job is { } job
        ? new EventDocument(batchEvent.Id.ToString(), Result, JobDocument.Of(job))
        : new EventDocument(batchEvent.Id.ToString(), Complete, null);
}
