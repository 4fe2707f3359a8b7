using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>What the scaler observed at one moment.</summary>
/// <param name="Queue">The request queue's counts.</param>
/// <param name="Fleet">The instances that the fleet reports.</param>
/// <param name="Nodes">The records of nodes; null if they were not read this time.</param>
/// <param name="EarlierLaunches">The launches of earlier scalers that the fleet may not show yet; null if their notes have
/// not been read.</param>
internal sealed record Observation(
    QueueMeasure Queue,
    IReadOnlyList<FleetInstance> Fleet,
    IReadOnlyList<StoredNodeRecord>? Nodes,
    IReadOnlyList<EarlierLaunch>? EarlierLaunches);

/// <summary>A node's record in the store.</summary>
/// <param name="Id">The instance of the node.</param>
/// <param name="LastModified">When it was written, by the store's clock. Compare it only with other values of the same
/// record.</param>
/// <param name="Record">The content; null if it is damaged.</param>
internal sealed record StoredNodeRecord(InstanceId Id, DateTimeOffset LastModified, NodeRecord? Record);
