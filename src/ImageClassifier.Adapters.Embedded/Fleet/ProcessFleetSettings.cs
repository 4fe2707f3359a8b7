namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>How a <see cref="ProcessFleet"/> launches and ends its nodes.</summary>
/// <param name="Command">The command of an instance's process.</param>
public sealed record ProcessFleetSettings(NodeCommand Command)
{
    /// <summary>A child that has not come up within this time has failed. A busy machine takes seconds to load a
    /// large model.</summary>
    public TimeSpan BootTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A fleet that stops kills the nodes that live after this time: longer than a node's drain, shorter than
    /// the web tier's stop.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
