using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The outcome of one file: a line of <c>--json</c>.</summary>
/// <param name="File">The path as the user wrote it, or as it was found.</param>
/// <param name="Status">Classified, failed, or rejected without a job.</param>
/// <param name="Predictions">The most probable labels, best first; null if the file failed.</param>
/// <param name="Error">The error message; null if the file was classified.</param>
/// <param name="ErrorCode">The error code; one of <see cref="JobErrorCodes"/>, or a constant of this class.</param>
/// <param name="Model">The model of the job; null if it is unknown.</param>
/// <param name="BatchId">The batch; null if the file was not sent.</param>
/// <param name="JobId">The job; null if the file was not sent.</param>
internal sealed record SendOutcome(
    string File,
    JobStatus Status,
    IReadOnlyList<Prediction>? Predictions,
    string? Error,
    string? ErrorCode,
    ModelIdentity? Model,
    string? BatchId,
    string? JobId)
{
    /// <summary>True if the result is that of an earlier upload of the same picture.</summary>
    public bool? Cached { get; init; }

    /// <summary>The error code of a file whose batch the service deleted before its result came.</summary>
    public const string BatchGone = "batch-gone";

    /// <summary>The error code of a file that may be on the service already, in another version.</summary>
    public const string ChangedAfterSending = "changed-after-sending";

    /// <summary>The error code of a request that the service refused as a whole.</summary>
    public const string Refused = "refused";

    public static SendOutcome Rejected(string file, JobError error) =>
        new(file, JobStatus.Rejected, null, error.Message, error.Code, null, null, null);

    public static SendOutcome Failed(string file, JobError error) =>
        new(file, JobStatus.Failed, null, error.Message, error.Code, null, null, null);

    /// <summary>The outcome that the service gave.</summary>
    public static SendOutcome Of(string file, string? batch, JobDocument job) => new(
        file, job.Status, job.Predictions is { Count: > 0 } predictions ? predictions : null, job.Error, job.ErrorCode,
        job.Model, batch, batch is null ? null : job.JobId.ToString())
    {
        Cached = job.Cached,
    };
}
