using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

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
