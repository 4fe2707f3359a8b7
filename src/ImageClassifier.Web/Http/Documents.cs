using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>The answer to an upload.</summary>
internal sealed record AcceptedDocument(BatchId BatchId, IReadOnlyList<AcceptedJobDocument> Jobs, BatchLinks Links);

/// <summary>One file of an upload.</summary>
internal sealed record AcceptedJobDocument(
    JobId JobId, string FileName, JobStatus Status, string? Error, string? ErrorCode);

/// <summary>A batch in the API. <paramref name="Models"/> are the models that classified its pictures: two if the model
/// of the nodes' setting changed meanwhile and a node could not use the earlier one.</summary>
internal sealed record BatchDocument(
    BatchId BatchId,
    DateTimeOffset SubmittedAt,
    int Total,
    int Completed,
    int Failed,
    int Rejected,
    IReadOnlyList<ModelIdentity> Models,
    IReadOnlyList<JobDocument> Jobs,
    BatchLinks Links,
    CallbackDocument? Callback)
{
    public static BatchDocument Of(BatchView batch, CallbackDocument? callback)
    {
        var sum = BatchSummary.Of(batch.Batch, batch.SubmittedAt, batch.Jobs);
        return new BatchDocument(
            sum.BatchId, sum.SubmittedAt, sum.Total, sum.Completed, sum.Failed, sum.Rejected, sum.Models, batch.Jobs,
            sum.Links, callback);
    }
}

/// <summary>The callback of a batch in the API.</summary>
internal sealed record CallbackDocument(CallbackEvents Events, CallbackStatus Status, int Delivered, int Dead)
{
    /// <summary>The state of the callback.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="events">What is delivered.</param>
    /// <param name="progress">The stored deliveries.</param>
    public static CallbackDocument Of(BatchView batch, CallbackEvents events, CallbackProgress progress)
    {
        var owed = events == CallbackEvents.Batch ? 1 : batch.Jobs.Count(job => job.Status != JobStatus.Rejected);
        // A redriven job has several subjects.
        var ended = progress.Settled.Concat(progress.Dead).Select(subject => subject.Job).Distinct().Count();
        var status = progress.Waiting.Count > 0 || ended < owed ? CallbackStatus.Waiting
            : progress.Dead.Count > 0 ? CallbackStatus.Dead
            : CallbackStatus.Delivered;
        return new CallbackDocument(events, status, progress.Settled.Count, progress.Dead.Count);
    }
}

/// <summary>The state of a callback.</summary>
internal enum CallbackStatus
{
    /// <summary>A delivery is still to be made.</summary>
    Waiting,

    /// <summary>The receiver has all deliveries.</summary>
    Delivered,

    /// <summary>All deliveries were tried, and some were given up.</summary>
    Dead,
}
