using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>What became of one file; printed with <c>--json</c> as it is.</summary>
/// <param name="File">The file, as the user wrote it.</param>
/// <param name="Status">Classified or failed.</param>
/// <param name="Predictions">The most probable labels, best first; empty when failed.</param>
/// <param name="Error">Why it failed, for people.</param>
/// <param name="ErrorCode">Why it failed, for programs: one of <see cref="JobErrorCodes"/>, or
/// <see cref="Unreadable"/>.</param>
/// <param name="Model">The model that was asked, or would have been.</param>
internal sealed record FileOutcome(
    string File,
    JobStatus Status,
    IReadOnlyList<Prediction> Predictions,
    string? Error,
    string? ErrorCode,
    ModelIdentity Model)
{
    /// <summary>The code of a path that exists and cannot be read: a folder, or a file of another user.</summary>
    public const string Unreadable = "unreadable";

    public static FileOutcome Classified(string file, IReadOnlyList<Prediction> predictions, ModelIdentity model) =>
        new(file, JobStatus.Classified, predictions, null, null, model);

    public static FileOutcome Failed(string file, JobError error, ModelIdentity model) =>
        new(file, JobStatus.Failed, [], error.Message, error.Code, model);
}
