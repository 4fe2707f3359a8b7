using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node;

/// <summary>What an app node needs from outside. All of it outlives the node, which disposes of none.</summary>
/// <param name="Queues">The queues.</param>
/// <param name="Store">Where pictures are and results go.</param>
/// <param name="Classifier">The model.</param>
/// <param name="Isolated">The same model in a process of its own, for pictures that may kill the node.</param>
/// <param name="Identity">The instance that the node runs on.</param>
public sealed record NodePorts(
    QueuePair Queues,
    IObjectStore Store,
    IImageClassifier Classifier,
    IIsolatedClassifier Isolated,
    IInstanceIdentity Identity)
{
    /// <summary>Stands for the node's model and settings: a web tier with others has the node drain. Null: they are not
    /// compared.</summary>
    public string? Fingerprint { get; init; }
}
