using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>How a <see cref="ProcessFleet"/> launches and ends its nodes.</summary>
public sealed record ProcessFleetSettings
{
    private const string Section = "image-classifier.fleet.processes";

    /// <summary>Settings of a fleet.</summary>
    /// <param name="command">What is run for an instance.</param>
    /// <param name="bootTimeout">A child that has not come up after this time has failed; from 1 s to 1 h.</param>
    /// <param name="drainTimeout">A stopping fleet ends the nodes that live after this time; up to 1 h.</param>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public ProcessFleetSettings(NodeCommand command, TimeSpan bootTimeout, TimeSpan drainTimeout)
    {
        Command = command;
        BootTimeout = InRange("boot-timeout", bootTimeout, TimeSpan.FromSeconds(1));
        DrainTimeout = InRange("drain-timeout", drainTimeout, TimeSpan.Zero);
    }

    /// <summary>What is run for an instance.</summary>
    public NodeCommand Command { get; }

    /// <summary>A child that has not come up after this time has failed.</summary>
    public TimeSpan BootTimeout { get; }

    /// <summary>A stopping fleet ends the nodes that live after this time.</summary>
    public TimeSpan DrainTimeout { get; }

    private static TimeSpan InRange(string key, TimeSpan value, TimeSpan min) =>
        value >= min && value <= TimeSpan.FromHours(1)
            ? value
            : throw new InvalidSettingException($"{Section}.{key}", $"{value}", $"allowed is from {min} to 1 h");
}
