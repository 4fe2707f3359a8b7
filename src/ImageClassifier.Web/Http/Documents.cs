using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
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

/// <summary>The addresses of a batch, on this server.</summary>
/// <param name="Self">The batch.</param>
/// <param name="Events">Its event stream.</param>
/// <param name="Socket">Its WebSocket.</param>
internal sealed record BatchLinks(string Self, string Events, string Socket)
{
    public static BatchLinks Of(BatchId batch) =>
        new($"/api/batches/{batch}", $"/api/batches/{batch}/events", $"/ws?batch={batch}");
}

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
internal sealed record BatchDocument(
    BatchId BatchId,
    DateTimeOffset SubmittedAt,
    int Total,
    int Completed,
    int Failed,
    int Rejected,
    IReadOnlyList<ModelIdentity> Models,
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
            Models:
            [
                .. batch.Jobs.Where(job => job.Status == JobStatus.Classified).Select(job => job.Model)
                    .OfType<ModelIdentity>().DistinctBy(model => model.Sha256),
            ],
            batch.Jobs,
            BatchLinks.Of(batch.Batch));
    }
}

/// <summary>The answer of a health call.</summary>
/// <param name="Status">"live", "serving" or "ready".</param>
/// <param name="Problems">Problems that do not stop uploads, as sentences; null if there are none.</param>
internal sealed record HealthDocument(string Status, IReadOnlyList<string>? Problems = null);
