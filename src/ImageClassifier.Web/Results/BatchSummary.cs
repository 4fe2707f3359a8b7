using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Results;

/// <summary>The counts of a batch in the API.</summary>
/// <param name="BatchId">The batch.</param>
/// <param name="SubmittedAt">When it was accepted.</param>
/// <param name="Total">The number of accepted jobs.</param>
/// <param name="Completed">The number of classified jobs.</param>
/// <param name="Failed">The number of failed jobs.</param>
/// <param name="Rejected">The number of refused files.</param>
/// <param name="Models">The models that classified its pictures.</param>
/// <param name="Links">The addresses of the batch.</param>
internal sealed record BatchSummary(
    BatchId BatchId,
    DateTimeOffset SubmittedAt,
    int Total,
    int Completed,
    int Failed,
    int Rejected,
    IReadOnlyList<ModelIdentity> Models,
    BatchLinks Links)
{
    /// <summary>Counts the jobs of a batch.</summary>
    public static BatchSummary Of(BatchId batch, DateTimeOffset submittedAt, IReadOnlyList<JobDocument> jobs)
    {
        int In(JobStatus status) => jobs.Count(job => job.Status == status);
        var rejected = In(JobStatus.Rejected);
        return new BatchSummary(
            batch, submittedAt,
            Total: jobs.Count - rejected,
            Completed: In(JobStatus.Classified),
            Failed: In(JobStatus.Failed),
            Rejected: rejected,
            Models:
            [
                .. jobs.Where(job => job.Status == JobStatus.Classified).Select(job => job.Model)
                    .OfType<ModelIdentity>().DistinctBy(model => model.Sha256),
            ],
            BatchLinks.Of(batch));
    }
}

/// <summary>The addresses of a batch, on this server.</summary>
/// <param name="Self">The batch.</param>
/// <param name="Events">Its event stream.</param>
/// <param name="Socket">Its WebSocket.</param>
internal sealed record BatchLinks(string Self, string Events, string Socket)
{
    public static BatchLinks Of(BatchId batch) =>
        new($"/api/batches/{batch}", $"/api/batches/{batch}/events", $"/ws?batch={batch}");
}
