using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>What a node writes about itself into the store, again and again, at <see cref="ObjectKeys.Node"/>. When
/// the object was last modified, by the store's clock, says when the node was last heard of.</summary>
/// <param name="InstanceId">The node's instance.</param>
/// <param name="State">Where it is in its life: running or draining.</param>
/// <param name="PicturesDone">How many jobs it has settled with a result since its start.</param>
/// <param name="PicturesPerSecond">How many it does a second while it has as much to do as it can take; null until it
/// once had.</param>
/// <param name="Model">The model that it runs.</param>
public sealed record NodeRecord(
    InstanceId InstanceId, InstanceState State, long PicturesDone, double? PicturesPerSecond, ModelIdentity Model)
    : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => InstanceId != default && key == ObjectKeys.Node(InstanceId);
}
