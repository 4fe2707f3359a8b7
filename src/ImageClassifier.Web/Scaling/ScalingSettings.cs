using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Scaling;

/// <summary>How the fleet grows: <c>image-classifier.scaling</c>.</summary>
/// <param name="Policy">Which policy decides.</param>
/// <param name="MaxInstances">The cap.</param>
/// <param name="Interval">How often the scaler looks while there is work or an instance.</param>
/// <param name="IdleInterval">How often it looks otherwise.</param>
/// <param name="RecordsInterval">How often it looks at the records of nodes, while there are instances.</param>
/// <param name="CountsLag">How long the queue's counts may lag; as long, jobs that were sent count as waiting.</param>
/// <param name="SettleTime">How long it only looks after a start.</param>
/// <param name="LaunchTimeout">After this time a launch that the fleet does not show has failed.</param>
/// <param name="BootDeadline">After this time an instance that has not come up is ended.</param>
/// <param name="QuietAfter">After this time an instance of which nothing is heard counts as one that does no
/// work.</param>
/// <param name="SilenceLimit">After this time an instance of which nothing is heard is ended.</param>
/// <param name="MaxLifetime">After this time an instance is ended in any case; zero: never.</param>
/// <param name="MinBackoff">First pause after a failed launch.</param>
/// <param name="MaxBackoff">Longest such pause.</param>
/// <param name="KeptDecisions">How many decisions are shown.</param>
/// <param name="PicturesPerInstance">The per-image policy's share.</param>
/// <param name="Latency">The latency policy's.</param>
public sealed record ScalingSettings(
    PolicyKind Policy,
    int MaxInstances,
    TimeSpan Interval,
    TimeSpan IdleInterval,
    TimeSpan RecordsInterval,
    TimeSpan CountsLag,
    TimeSpan SettleTime,
    TimeSpan LaunchTimeout,
    TimeSpan BootDeadline,
    TimeSpan QuietAfter,
    TimeSpan SilenceLimit,
    TimeSpan MaxLifetime,
    TimeSpan MinBackoff,
    TimeSpan MaxBackoff,
    int KeptDecisions,
    int PicturesPerInstance,
    LatencySettings Latency)
{
    private const string PerImage = "per-image";

    // A node whose leases ended so often unrenewed, or that missed so many of its records, does nothing.
    private const int QuietLeases = 3;

    /// <summary>Stands for the model and the settings of the nodes that this web tier launches: others drain. Null
    /// where it cannot know them.</summary>
    public string? Fingerprint { get; init; }

    internal FleetLimits Limits => new(LaunchTimeout, BootDeadline, QuietAfter, SilenceLimit, MaxLifetime)
    {
        Fingerprint = Fingerprint,
    };

    /// <summary>Reads the settings.</summary>
    /// <exception cref="ImageClassifier.Core.InvalidSettingException">One is missing or wrong.</exception>
    public static ScalingSettings Create(Config config)
    {
        var scaling = new SettingsSection(config, "image-classifier.scaling");
        var minBackoff = scaling.Duration("min-backoff", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        return new ScalingSettings(
            Policy: scaling.OneOf("policy", "latency", PerImage) == PerImage ? PolicyKind.PerImage : PolicyKind.Latency,
            MaxInstances: scaling.WholeNumberOrCores("max-instances", 1, 1000),
            Interval: scaling.Duration("interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            IdleInterval: scaling.Duration("idle-interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            RecordsInterval: scaling.Duration(
                "records-interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            CountsLag: scaling.Duration("counts-lag", TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            SettleTime: scaling.Duration("settle-time", TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            LaunchTimeout: scaling.Duration("launch-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            BootDeadline: scaling.Duration("boot-deadline", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            QuietAfter: ReadQuietAfter(config),
            SilenceLimit: scaling.Duration("silence-limit", TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            MaxLifetime: scaling.Duration("max-lifetime", TimeSpan.Zero, TimeSpan.FromDays(365)),
            MinBackoff: minBackoff,
            MaxBackoff: scaling.Duration("max-backoff", minBackoff, TimeSpan.FromHours(1)),
            KeptDecisions: scaling.WholeNumber("kept-decisions", 1, 1000),
            PicturesPerInstance: scaling.Section("per-image").WholeNumber("pictures-per-instance", 1, 100_000),
            Latency: LatencySettings.Create(scaling.Section("latency")));
    }

    private static TimeSpan ReadQuietAfter(Config config)
    {
        var lease = QueueSettings.Create(config).Requests.Lease;
        var record = NodeRecordSettings.Create(config).Interval;
        return QuietLeases * (lease > record ? lease : record);
    }

    /// <summary>The policy that these settings name.</summary>
    public ScalingPolicy CreatePolicy() => Policy == PolicyKind.PerImage
        ? new PerImagePolicy(PicturesPerInstance, MaxInstances)
        : new LatencyPolicy(Latency.Target, MaxInstances);
}

/// <summary>The policies that there are.</summary>
public enum PolicyKind
{
    /// <summary><see cref="LatencyPolicy"/>.</summary>
    Latency,

    /// <summary><see cref="PerImagePolicy"/>.</summary>
    PerImage,
}

/// <summary>How the latency policy aims: <c>image-classifier.scaling.latency</c>.</summary>
/// <param name="Target">The time from upload to result that is aimed at.</param>
/// <param name="ServiceTime">How long an instance takes for one picture, until that is measured.</param>
/// <param name="BootTime">How long an instance boots, until that is measured.</param>
public sealed record LatencySettings(TimeSpan Target, TimeSpan ServiceTime, TimeSpan BootTime)
{
    internal static LatencySettings Create(SettingsSection latency) => new(
        latency.Duration("target", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
        latency.Duration("service-time", TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond / 10), TimeSpan.FromHours(1)),
        latency.Duration("boot-time", TimeSpan.Zero, TimeSpan.FromHours(1)));
}
