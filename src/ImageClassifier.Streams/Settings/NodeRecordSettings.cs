using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>The heartbeat of the nodes. Nodes write their records at this interval, and the web tier judges their
/// silence by it.</summary>
/// <param name="Interval">The interval at which a node writes its record.</param>
public sealed record NodeRecordSettings(TimeSpan Interval)
{
    // Each record on AWS is a paid write: a fleet of 19 nodes writes some two a second.
    private static readonly TimeSpan OnAws = TimeSpan.FromSeconds(10);

    // A write to this machine's files costs nothing, so silence shows sooner.
    private static readonly TimeSpan OnThisMachine = TimeSpan.FromSeconds(5);

    /// <summary>The interval of the environment.</summary>
    /// <exception cref="InvalidSettingException">There is no such environment.</exception>
    public static NodeRecordSettings Create(Config config) =>
        new(EnvironmentSettings.Create(config).IsAws ? OnAws : OnThisMachine);
}
