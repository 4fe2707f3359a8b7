using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Isolation;

/// <summary>What a classifier process answers to a picture, as JSON. One of <paramref name="Predictions"/>,
/// <paramref name="Error"/> and <paramref name="Failure"/> is there.</summary>
/// <param name="Model">The model that it runs.</param>
/// <param name="Predictions">The picture was classified.</param>
/// <param name="Error">The picture is refused.</param>
/// <param name="Failure">Something failed that says nothing of the picture.</param>
/// <param name="IsMemoryShort">Whether that was for lack of memory.</param>
/// <param name="DecodeMs">How long decoding took.</param>
/// <param name="RunMs">How long the model's run took.</param>
internal sealed record IsolatedReply(
    ModelIdentity Model,
    IReadOnlyList<Prediction>? Predictions = null,
    JobError? Error = null,
    string? Failure = null,
    bool IsMemoryShort = false,
    double DecodeMs = 0,
    double RunMs = 0);
