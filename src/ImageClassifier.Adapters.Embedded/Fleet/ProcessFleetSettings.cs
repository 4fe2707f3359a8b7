namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>How a <see cref="ProcessFleet"/> launches and ends its nodes.</summary>
/// <param name="Command">What is run for an instance.</param>
/// <param name="BootTimeout">A child that has not come up after this time has failed.</param>
/// <param name="DrainTimeout">A stopping fleet ends the nodes that live after this time.</param>
public sealed record ProcessFleetSettings(NodeCommand Command, TimeSpan BootTimeout, TimeSpan DrainTimeout);
