using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Scaling;

/// <summary>How the fleet grows: <c>image-classifier.scaling</c>.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="MaxInstances">The cap.</param>
/// <param name="Interval">Time between observations while there is work or an instance.</param>
/// <param name="IdleInterval">Time between observations otherwise.</param>
/// <param name="RecordsInterval">Time between reads of the nodes' records while there are instances.</param>
/// <param name="CountsLag">How long the queue's counts can lag. Jobs sent within this time count as waiting.</param>
/// <param name="SettleTime">How long the scaler only observes after a start.</param>
/// <param name="LaunchTimeout">Age at which a launch that the fleet does not report has failed.</param>
/// <param name="BootDeadline">Age at which an instance that is not up is terminated.</param>
/// <param name="SilentAfter">Silence after which an instance no longer counts as working.</param>
/// <param name="SilenceLimit">Silence after which an instance is terminated.</param>
/// <param name="MaxLifetime">Age at which an instance is terminated in any case; zero: never.</param>
/// <param name="MinBackoff">First pause after a failed launch.</param>
/// <param name="MaxBackoff">Longest such pause.</param>
/// <param name="KeptDecisions">How many decisions are kept.</param>
/// <param name="PicturesPerInstance">Pictures for one instance, for the per-image policy.</param>
/// <param name="Latency">The settings of the latency policy.</param>
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
    TimeSpan SilentAfter,
    TimeSpan SilenceLimit,
    TimeSpan MaxLifetime,
    TimeSpan MinBackoff,
    TimeSpan MaxBackoff,
    int KeptDecisions,
    int PicturesPerInstance,
    LatencySettings Latency)
{
    private const string PerImage = "per-image";

    // A node that missed this many lease renewals or records in a row does no work.
    private const int SilentLeases = 3;

    /// <summary>Identifies the model and the settings of the nodes that this web tier launches. Nodes with another
    /// fingerprint drain. Null if the web tier does not know it.</summary>
    public string? Fingerprint { get; init; }

    internal FleetLimits Limits => new(LaunchTimeout, BootDeadline, SilentAfter, SilenceLimit, MaxLifetime)
    {
        Fingerprint = Fingerprint,
    };

    /// <summary>Reads the settings.</summary>
    /// <exception cref="ImageClassifier.Core.InvalidSettingException">A setting is missing or invalid.</exception>
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
            SilentAfter: ReadSilentAfter(config),
            SilenceLimit: scaling.Duration("silence-limit", TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            MaxLifetime: scaling.Duration("max-lifetime", TimeSpan.Zero, TimeSpan.FromDays(365)),
            MinBackoff: minBackoff,
            MaxBackoff: scaling.Duration("max-backoff", minBackoff, TimeSpan.FromHours(1)),
            KeptDecisions: scaling.WholeNumber("kept-decisions", 1, 1000),
            PicturesPerInstance: scaling.Section("per-image").WholeNumber("pictures-per-instance", 1, 100_000),
            Latency: LatencySettings.Create(scaling.Section("latency")));
    }

    private static TimeSpan ReadSilentAfter(Config config)
    {
        var lease = QueueSettings.Create(config).Requests.Lease;
        var record = NodeRecordSettings.Create(config).Interval;
        return SilentLeases * (lease > record ? lease : record);
    }

    /// <summary>Creates the policy that these settings name.</summary>
    public ScalingPolicy CreatePolicy() => Policy == PolicyKind.PerImage
        ? new PerImagePolicy(PicturesPerInstance, MaxInstances)
        : new LatencyPolicy(Latency.Target, MaxInstances);
}

/// <summary>The policies.</summary>
public enum PolicyKind
{
    /// <summary><see cref="LatencyPolicy"/>.</summary>
    Latency,

    /// <summary><see cref="PerImagePolicy"/>.</summary>
    PerImage,
}

/// <summary>The latency policy's settings: <c>image-classifier.scaling.latency</c>.</summary>
/// <param name="Target">The target time from upload to result.</param>
/// <param name="ServiceTime">Assumed time of an instance for one picture, until it is measured.</param>
/// <param name="BootTime">Assumed boot time, until it is measured.</param>
public sealed record LatencySettings(TimeSpan Target, TimeSpan ServiceTime, TimeSpan BootTime)
{
    internal static LatencySettings Create(SettingsSection latency) => new(
        latency.Duration("target", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
        latency.Duration("service-time", TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond / 10), TimeSpan.FromHours(1)),
        latency.Duration("boot-time", TimeSpan.Zero, TimeSpan.FromHours(1)));
}
