using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>What one look of the scaler saw.</summary>
/// <param name="Queue">The request queue's counts.</param>
/// <param name="Fleet">What the fleet says.</param>
/// <param name="Nodes">The records that nodes keep; null where they were not looked at, or could not be.</param>
internal sealed record Observation(
    QueueMeasure Queue, IReadOnlyList<FleetInstance> Fleet, IReadOnlyList<NodeSighting>? Nodes);

/// <summary>A node's record as it was seen in the store.</summary>
/// <param name="Id">The instance that it names.</param>
/// <param name="LastModified">When it was written, by the store's clock; only compared with itself.</param>
/// <param name="Record">What it says; null where it cannot be read.</param>
internal sealed record NodeSighting(InstanceId Id, DateTimeOffset LastModified, NodeRecord? Record);
