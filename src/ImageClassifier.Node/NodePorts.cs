using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Tuning;

namespace ImageClassifier.Node;

/// <summary>The ports that an app node uses. They outlive the node, which disposes of none of them.</summary>
/// <param name="Queues">The queues.</param>
/// <param name="Store">The store of pictures and results.</param>
/// <param name="Classifier">The model of the node's setting.</param>
/// <param name="Isolated">The same model in a child process, for pictures that may kill the node.</param>
/// <param name="Models">The models of the registry.</param>
/// <param name="Identity">The instance on which the node runs.</param>
public sealed record NodePorts(
    QueuePair Queues,
    IObjectStore Store,
    IImageClassifier Classifier,
    IIsolatedClassifier Isolated,
    IModelSource Models,
    IInstanceIdentity Identity)
{
    /// <summary>Identifies the node's model and settings. A web tier with another fingerprint makes the node drain.
    /// Null if they are not compared.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Reads pictures in buckets that the operator allows; null if the environment has no S3.</summary>
    public IBucketReader? Buckets { get; init; }

    /// <summary>Measures the arrangements of the model for nodes that start later, and uses all cores meanwhile. The
    /// result is null if there is nothing to choose. Null if the arrangement is known.</summary>
    public Func<CancellationToken, Task<ArrangementReport?>>? MeasureArrangements { get; init; }
}
