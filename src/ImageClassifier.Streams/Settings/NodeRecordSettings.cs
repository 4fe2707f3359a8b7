using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>The heartbeat of the nodes. Nodes write their records at this interval, and the web tier judges their
/// silence by it.</summary>
/// <param name="Interval">The interval at which a node writes its record while it changes.</param>
/// <param name="QuietInterval">The interval at which a node writes a record that does not change.</param>
public sealed record NodeRecordSettings(TimeSpan Interval, TimeSpan QuietInterval)
{
    // The web tier calls a node silent after three leases or intervals, so the quiet interval must not exceed both.
    private const int QuietIntervals = 3;

    // Each record on AWS is a paid write: a fleet of 19 nodes writes some two a second.
    private static readonly TimeSpan OnAws = TimeSpan.FromSeconds(10);

    // A write to this machine's files costs nothing, so silence shows sooner.
    private static readonly TimeSpan OnThisMachine = TimeSpan.FromSeconds(5);

    /// <summary>The intervals of the environment.</summary>
    /// <exception cref="InvalidSettingException">There is no such environment, or a setting of the queues is
    /// wrong.</exception>
    public static NodeRecordSettings Create(Config config)
    {
        var interval = EnvironmentSettings.Create(config).IsAws ? OnAws : OnThisMachine;
        var lease = QueueSettings.Create(config).Requests.Lease;
        var quiet = lease < QuietIntervals * interval ? lease : QuietIntervals * interval;
        return new NodeRecordSettings(interval, quiet > interval ? quiet : interval);
    }
}
