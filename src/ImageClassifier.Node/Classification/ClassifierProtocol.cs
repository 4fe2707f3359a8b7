using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Classification;

/// <summary>What is said to and by a <see cref="ClassifierActor"/>.</summary>
internal interface IClassifierMessage;

/// <summary>Classify these pictures, and dispose of them in any case. Answered by an
/// <see cref="IClassifierReply"/>.</summary>
/// <param name="Pictures">From 1 to the classifier's preferred batch size.</param>
/// <param name="GivenUp">Cancelled when no one waits for the answer any more.</param>
internal sealed record ClassifyPictures(IReadOnlyList<DecodedPicture> Pictures, CancellationToken GivenUp)
    : IClassifierMessage;

/// <summary>How a run ended.</summary>
internal interface IClassifierReply : IClassifierMessage;

/// <summary>The run answered.</summary>
/// <param name="Predictions">For each picture, in the same order; null for one that the model fails on even alone.</param>
/// <param name="Took">How long it took.</param>
internal sealed record PicturesClassified(IReadOnlyList<IReadOnlyList<Prediction>?> Predictions, TimeSpan Took)
    : IClassifierReply;

/// <summary>There is no answer.</summary>
internal sealed record ClassificationFailed(Exception Cause) : IClassifierReply;

/// <summary>A classifier is idle again.</summary>
internal sealed record RunIsOver : IClassifierMessage
{
    public static readonly RunIsOver Instance = new();
}
