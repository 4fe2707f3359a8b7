using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>The answer to an upload.</summary>
/// <param name="BatchId">The id of the new batch.</param>
/// <param name="Jobs">The files, in the order of the form.</param>
/// <param name="Links">The addresses of the batch.</param>
internal sealed record AcceptedDocument(BatchId BatchId, IReadOnlyList<AcceptedJobDocument> Jobs, BatchLinks Links);

/// <summary>One file of an upload.</summary>
/// <param name="JobId">The id of its job.</param>
/// <param name="FileName">The client's name for the file.</param>
/// <param name="Status">"queued", or "rejected" if the file was refused.</param>
/// <param name="Error">Why the file was refused, and what to do; otherwise null.</param>
/// <param name="ErrorCode">The code of the error.</param>
internal sealed record AcceptedJobDocument(
    JobId JobId, string FileName, JobStatus Status, string? Error, string? ErrorCode);

/// <summary>A batch in the API.</summary>
/// <param name="BatchId">The id.</param>
/// <param name="SubmittedAt">When it was accepted.</param>
/// <param name="Total">The number of accepted files.</param>
/// <param name="Completed">How many of them are classified.</param>
/// <param name="Failed">How many of them failed.</param>
/// <param name="Rejected">The number of refused files.</param>
/// <param name="Models">The models that classified its pictures: two if the model of the nodes' setting changed meanwhile
/// and a node could not use the earlier one.</param>
/// <param name="Jobs">The files, in the order of the form.</param>
/// <param name="Links">The addresses of the batch.</param>
/// <param name="Callback">Its callback; null if the upload named none.</param>
/// <param name="Deadline">The time at which pictures without a result fail; null if the upload named none.</param>
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
    CallbackDocument? Callback,
    DateTimeOffset? Deadline)
{
    public static BatchDocument Of(BatchView batch, CallbackDocument? callback)
    {
        var sum = BatchSummary.Of(batch.Batch, batch.SubmittedAt, batch.Jobs);
        return new BatchDocument(
            sum.BatchId, sum.SubmittedAt, sum.Total, sum.Completed, sum.Failed, sum.Rejected, sum.Models, batch.Jobs,
            sum.Links, callback, batch.Deadline);
    }
}

/// <summary>The answer to a cancel.</summary>
/// <param name="BatchId">The batch.</param>
/// <param name="Cancelled">How many of its pictures cancels have ended, this one and earlier ones.</param>
internal sealed record CancelledDocument(BatchId BatchId, int Cancelled);

/// <summary>The callback of a batch in the API.</summary>
/// <param name="Events">What is delivered.</param>
/// <param name="Status">The state of all deliveries together.</param>
/// <param name="Delivered">The number of deliveries that the receiver has.</param>
/// <param name="Dead">The number of deliveries that were given up.</param>
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

/// <summary>The answer of a health call.</summary>
/// <param name="Status">"live", "serving" or "ready".</param>
/// <param name="Problems">Problems that do not stop uploads, as sentences; null if there are none.</param>
internal sealed record HealthDocument(string Status, IReadOnlyList<string>? Problems = null);
