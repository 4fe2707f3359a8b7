using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>A job as clients see it.</summary>
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

/// <summary>What an upload is answered.</summary>
internal sealed record AcceptedDocument(BatchId BatchId, IReadOnlyList<AcceptedJobDocument> Jobs, BatchLinks Links);

/// <summary>One file of an upload.</summary>
internal sealed record AcceptedJobDocument(
    JobId JobId, string FileName, JobStatus Status, string? Error, string? ErrorCode);

/// <summary>Where a batch can be followed.</summary>
internal sealed record BatchLinks(string Self, string Events, string Socket)
{
    public static BatchLinks Of(BatchId batch) =>
        new($"/api/batches/{batch}", $"/api/batches/{batch}/events", $"/ws?batch={batch}");
}

/// <summary>A batch as it stands.</summary>
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
    // The words of the protocol.
    public const string Result = "result";

    public const string Complete = "complete";

    public static EventDocument Of(BatchEvent happened) => happened.Job is { } job
        ? new EventDocument(happened.Id.ToString(), Result, JobDocument.Of(job))
        : new EventDocument(happened.Id.ToString(), Complete, null);
}
