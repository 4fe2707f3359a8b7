using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Classification;

/// <summary>The messages of <see cref="ClassifierActor"/>.</summary>
internal interface IClassifierMessage;

/// <summary>Asks to classify these pictures. The classifier always disposes of them, and replies with an
/// <see cref="IClassifierReply"/>.</summary>
/// <param name="Model">The model that decoded the pictures.</param>
/// <param name="Pictures">From 1 to the model's preferred batch size.</param>
/// <param name="Cancellation">Cancelled when nothing waits for the reply any more.</param>
internal sealed record ClassifyPictures(
    IImageClassifier Model, IReadOnlyList<DecodedPicture> Pictures, CancellationToken Cancellation) : IClassifierMessage;

/// <summary>How a run ended.</summary>
internal interface IClassifierReply : IClassifierMessage;

/// <summary>The run returned predictions.</summary>
/// <param name="Predictions">For each picture, in the same order; null if the model failed on that picture
/// alone.</param>
/// <param name="Took">The duration of the run.</param>
internal sealed record PicturesClassified(IReadOnlyList<IReadOnlyList<Prediction>?> Predictions, TimeSpan Took)
    : IClassifierReply;

/// <summary>The run failed, or did not reply in time.</summary>
internal sealed record ClassificationFailed(Exception Cause) : IClassifierReply;

/// <summary>The classifier is idle again. Sent to its pool.</summary>
internal sealed record RunCompleted : IClassifierMessage
{
    public static readonly RunCompleted Instance = new();
}
