namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>How a <see cref="ProcessFleet"/> launches and ends its nodes.</summary>
/// <param name="Command">The command of an instance's process.</param>
/// <param name="BootTimeout">A child that has not come up within this time has failed.</param>
/// <param name="DrainTimeout">A fleet that stops kills the nodes that live after this time.</param>
public sealed record ProcessFleetSettings(NodeCommand Command, TimeSpan BootTimeout, TimeSpan DrainTimeout);
