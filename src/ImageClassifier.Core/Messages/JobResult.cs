using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>How one job ended: the object under <c>results/</c>, and the body of a message of the response queue.</summary>
/// <param name="Job">The job.</param>
/// <param name="Batch">The batch it belongs to.</param>
/// <param name="Attempt">The attempt that ended so.</param>
/// <param name="Status">Classified, or failed for good.</param>
/// <param name="Predictions">The five most probable labels, best first; empty when failed.</param>
/// <param name="Error">Why it failed; null when classified.</param>
/// <param name="Model">The model that answered; null where none was asked.</param>
/// <param name="InstanceId">The instance that did the work.</param>
/// <param name="Timings">How long the steps took on that instance; null where there was nothing to time.</param>
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
    /// <summary>Whether this result takes the place of a stored one. The first result of a job stays, except that a later
    /// attempt replaces what failed.</summary>
    public bool Supersedes(JobResult stored) => stored.Status == JobStatus.Failed && Attempt > stored.Attempt;

    /// <summary>Whether nothing is left out that clients are promised.</summary>
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

/// <summary>Where a job stands.</summary>
public enum JobStatus
{
    /// <summary>Accepted and durable; no result yet.</summary>
    Queued,

    /// <summary>Ended with predictions.</summary>
    Classified,

    /// <summary>Ended without: the picture cannot be classified, and the error says why.</summary>
    Failed,

    /// <summary>Never accepted: the upload was refused, and the error says why.</summary>
    Rejected,
}

/// <summary>A label with its probability.</summary>
/// <param name="Index">The model's class, from 0.</param>
/// <param name="Label">Its name: the line of the model's <c>labels.txt</c>.</param>
/// <param name="Probability">From 0 to 1; all classes of a model together give 1.</param>
public sealed record Prediction(int Index, string Label, double Probability);

/// <summary>Why a job was refused or failed.</summary>
/// <param name="Code">A stable name for programs: one of <see cref="JobErrorCodes"/>.</param>
/// <param name="Message">A sentence for people, with nothing internal in it.</param>
public sealed record JobError(string Code, string Message);

/// <summary>The stable names of what can be wrong with a picture or a job.</summary>
public static class JobErrorCodes
{
    /// <summary>The file has no bytes.</summary>
    public const string Empty = "empty";

    /// <summary>The file is larger than one file may be.</summary>
    public const string TooLarge = "too-large";

    /// <summary>The file came without a name.</summary>
    public const string NoFileName = "no-file-name";

    /// <summary>The file's name has an ending, and not one of a format that is let in.</summary>
    public const string UnsupportedName = "unsupported-name";

    /// <summary>The file's bytes are of no picture format that is let in.</summary>
    public const string ContentMismatch = "content-mismatch";

    /// <summary>The picture has more pixels than the limit.</summary>
    public const string TooManyPixels = "too-many-pixels";

    /// <summary>Decoding the picture takes more memory or time than the limit.</summary>
    public const string TooCostly = "too-costly";

    /// <summary>The picture is damaged, cut off or of a form that cannot be decoded.</summary>
    public const string Undecodable = "undecodable";

    /// <summary>The picture is gone from the store.</summary>
    public const string Missing = "missing";

    /// <summary>The picture crashed the process that decoded it, where it was tried with no other.</summary>
    public const string KilledDecoder = "killed-decoder";

    /// <summary>The job was tried as often as is allowed, and its node failed every time.</summary>
    public const string TooManyAttempts = "too-many-attempts";

    /// <summary>The job's message was lost on its way, and so were those that were sent after it.</summary>
    public const string Lost = "lost";

    /// <summary>The job has ended, but its stored result cannot be read.</summary>
    public const string ResultDamaged = "result-damaged";
}

/// <summary>Names a model exactly.</summary>
/// <param name="Name">The name in its <c>model.json</c>.</param>
/// <param name="Sha256">The SHA-256 of its network, external weights and <c>model.json</c>: 64 lower-case hexadecimal
/// digits.</param>
public sealed record ModelIdentity(string Name, string Sha256);

/// <summary>How long the steps of a job took, in milliseconds, on the clock of the instance that did them.</summary>
/// <param name="FetchMs">Reading the picture from the store.</param>
/// <param name="DecodeMs">From bytes to the model's input.</param>
/// <param name="ClassifyMs">The model's run, of the whole micro-batch that the picture was in.</param>
/// <param name="TotalMs">From receiving the message to having the result.</param>
public sealed record JobTimings(double FetchMs, double DecodeMs, double ClassifyMs, double TotalMs);
