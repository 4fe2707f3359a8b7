using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Isolation;

/// <summary>The answer of a classifier process to a picture, as JSON. It has exactly one of
/// <paramref name="Predictions"/>, <paramref name="Error"/> and <paramref name="Failure"/>.</summary>
/// <param name="Model">The model of the process.</param>
/// <param name="Predictions">The predictions of a classified picture.</param>
/// <param name="Error">Why the picture is refused.</param>
/// <param name="Failure">A failure that is not the picture's fault.</param>
/// <param name="IsMemoryShort">True if the failure is a lack of memory.</param>
/// <param name="DecodeMs">The duration of decoding.</param>
/// <param name="RunMs">The duration of the model's run.</param>
internal sealed record IsolatedReply(
    ModelIdentity Model,
    IReadOnlyList<Prediction>? Predictions = null,
    JobError? Error = null,
    string? Failure = null,
    bool IsMemoryShort = false,
    double DecodeMs = 0,
    double RunMs = 0);
