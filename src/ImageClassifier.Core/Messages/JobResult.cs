using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>The result of a job: the object under <c>results/</c>, and part of a <see cref="ResultMessage"/>.</summary>
/// <param name="Job">The job.</param>
/// <param name="Batch">The batch of the job.</param>
/// <param name="Attempt">The attempt that gave this result.</param>
/// <param name="Status">Classified, or failed for good.</param>
/// <param name="Predictions">The five most probable labels, best first; empty if the job failed.</param>
/// <param name="Error">Why the job failed; null if it was classified.</param>
/// <param name="Model">The model of the job, also if the job failed; null if the model is unknown.</param>
/// <param name="InstanceId">The instance of the node.</param>
/// <param name="Timings">The durations of the steps on that instance; null if there are none.</param>
public sealed record JobResult(
    JobId Job,
    BatchId Batch,
    int Attempt,
    JobStatus Status,
    IReadOnlyList<Prediction> Predictions,
    JobError? Error,
    ModelIdentity? Model,
    InstanceId InstanceId,
    JobTimings? Timings) : IStoredDocument
{
    /// <summary>True if the web tier copied it from the result of an earlier upload of the same picture; null
    /// otherwise.</summary>
    public bool? Cached { get; init; }

    /// <summary>True if this result replaces the stored result. The first result of a job stays, unless it is a failure
    /// and this result is of a later attempt.</summary>
    public bool Supersedes(JobResult stored) => stored.Status == JobStatus.Failed && Attempt > stored.Attempt;

    /// <summary>True if the result has all parts that clients are promised.</summary>
    public bool IsWhole() =>
        Job != default && Batch != default && InstanceId != default && Predictions is not null
        && Predictions.All(prediction => prediction is { Label: not null })
        && Error is null or { Code: not null, Message: not null }
        && Model is null or { Name: not null, Sha256: not null }
        && Status switch
        {
            JobStatus.Classified => Predictions.Count > 0,
            JobStatus.Failed => Error is not null,
            _ => false,
        };

    /// <inheritdoc />
    public bool IsWholeAt(string key) => IsWhole() && key == ObjectKeys.Result(Batch, Job);
}

/// <summary>The state of a job.</summary>
public enum JobStatus
{
    /// <summary>Accepted and durable; without a result yet.</summary>
    Queued,

    /// <summary>Has predictions.</summary>
    Classified,

    /// <summary>The picture cannot be classified. The error says why.</summary>
    Failed,

    /// <summary>The upload was refused, so there is no job. The error says why.</summary>
    Rejected,
}

/// <summary>A label and its probability.</summary>
/// <param name="Index">The class of the model, from 0.</param>
/// <param name="Label">The name of the class: its line of the model's <c>labels.txt</c>.</param>
/// <param name="Probability">From 0 to 1. All classes of a model add up to 1.</param>
public sealed record Prediction(int Index, string Label, double Probability);

/// <summary>Why an upload was refused or a job failed.</summary>
/// <param name="Code">A stable code for programs: one of <see cref="JobErrorCodes"/>.</param>
/// <param name="Message">A sentence for people, without internal details.</param>
public sealed record JobError(string Code, string Message);

/// <summary>The stable codes of the errors of pictures and jobs.</summary>
public static class JobErrorCodes
{
    /// <summary>The file has no bytes.</summary>
    public const string Empty = "empty";

    /// <summary>The file is larger than the limit.</summary>
    public const string TooLarge = "too-large";

    /// <summary>The file has no name.</summary>
    public const string NoFileName = "no-file-name";

    /// <summary>The extension of the file's name is not one of an allowed format.</summary>
    public const string UnsupportedName = "unsupported-name";

    /// <summary>The file's bytes are not of an allowed picture format.</summary>
    public const string ContentMismatch = "content-mismatch";

    /// <summary>The picture has more pixels than the limit.</summary>
    public const string TooManyPixels = "too-many-pixels";

    /// <summary>Decoding the picture takes more memory or time than the limit.</summary>
    public const string TooCostly = "too-costly";

    /// <summary>The picture is damaged, truncated or of a form that cannot be decoded.</summary>
    public const string Undecodable = "undecodable";

    /// <summary>The store does not have the picture any more.</summary>
    public const string Missing = "missing";

    /// <summary>The picture crashed the process that decoded it and nothing else.</summary>
    public const string KilledDecoder = "killed-decoder";

    /// <summary>The job used up its tries, and its node failed on each.</summary>
    public const string TooManyAttempts = "too-many-attempts";

    /// <summary>The job's message was lost, and so were the messages that replaced it.</summary>
    public const string Lost = "lost";

    /// <summary>The job has a stored result, but it cannot be read.</summary>
    public const string ResultDamaged = "result-damaged";

    /// <summary>The client cancelled the batch before the job was begun.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The deadline of the batch passed before the job was begun.</summary>
    public const string Expired = "expired";

    /// <summary>The reference to a picture is not of a form that the service follows.</summary>
    public const string ReferenceMalformed = "reference-malformed";

    /// <summary>The reference leads to an address or a bucket that the service may not read.</summary>
    public const string ReferenceNotAllowed = "reference-not-allowed";

    /// <summary>The host of a reference cannot be reached, or did not send the picture in time.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>The host of a reference answered, but not with a picture.</summary>
    public const string NotFetched = "not-fetched";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Empty, TooLarge, NoFileName, UnsupportedName, ContentMismatch, TooManyPixels, TooCostly, Undecodable, Missing,
        KilledDecoder, TooManyAttempts, Lost, ResultDamaged, Cancelled, Expired, ReferenceMalformed, ReferenceNotAllowed,
        Unreachable, NotFetched,
    ];
}

/// <summary>Identifies a model and its exact files.</summary>
/// <param name="Name">The name in its <c>model.json</c>.</param>
/// <param name="Sha256">The SHA-256 of its network, external weights, labels and <c>model.json</c>: 64 lower-case
/// hexadecimal digits.</param>
/// <param name="Classes">The number of its classes without a background class; null if unknown, as in results of earlier
/// versions.</param>
public sealed record ModelIdentity(string Name, string Sha256, int? Classes = null);

/// <summary>The durations of a job's steps in milliseconds, by the clock of the instance.</summary>
/// <param name="FetchMs">Reading the picture from the store.</param>
/// <param name="DecodeMs">From bytes to the model's input.</param>
/// <param name="ClassifyMs">The run of the model, for the whole micro-batch of the picture.</param>
/// <param name="TotalMs">From the receipt of the message to the result.</param>
public sealed record JobTimings(double FetchMs, double DecodeMs, double ClassifyMs, double TotalMs);
