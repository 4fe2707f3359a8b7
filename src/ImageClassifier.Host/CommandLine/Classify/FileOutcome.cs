using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>The outcome of one file: an entry of the array of <c>--json</c>.</summary>
/// <param name="File">The path as the user wrote it.</param>
/// <param name="Status">Classified or failed.</param>
/// <param name="Predictions">The most probable labels, best first; empty if the file failed.</param>
/// <param name="Error">The error message; null if the file was classified.</param>
/// <param name="ErrorCode">The error code; one of <see cref="JobErrorCodes"/>, or <see cref="Unreadable"/>.</param>
/// <param name="Model">The model of the run.</param>
internal sealed record FileOutcome(
    string File,
    JobStatus Status,
    IReadOnlyList<Prediction> Predictions,
    string? Error,
    string? ErrorCode,
    ModelIdentity Model)
{
    /// <summary>The error code of a path that exists but cannot be read, such as a folder or another user's
    /// file.</summary>
    public const string Unreadable = "unreadable";

    public static FileOutcome Classified(string file, IReadOnlyList<Prediction> predictions, ModelIdentity model) =>
        new(file, JobStatus.Classified, predictions, null, null, model);

    public static FileOutcome Failed(string file, JobError error, ModelIdentity model) =>
        new(file, JobStatus.Failed, [], error.Message, error.Code, model);
}
