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
/// <param name="LaunchLag">How long after its launch an instance may be missing from the fleet's report.</param>
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
    TimeSpan LaunchLag,
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

    // Pictures must not wait long for the first launch. An upload wakes the scaler besides.
    private static readonly TimeSpan BusyLook = TimeSpan.FromSeconds(1);

    // On AWS each look is a paid call. Work that comes without an upload (a lease that ran out) waits this long.
    private static readonly TimeSpan IdleLook = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PaidIdleLook = TimeSpan.FromSeconds(10);

    // Nodes write their records no more often.
    private static readonly TimeSpan RecordsLook = TimeSpan.FromSeconds(5);

    // By its documentation SQS takes up to a minute to settle its counts. The embedded queue counts exactly.
    private static readonly TimeSpan SqsCountsLag = TimeSpan.FromMinutes(1);

    // EC2 promises to show an instance within seconds, but sometimes needs half a minute. If the web tier is killed during
    // a launch, a child process enters itself into the fleet's table when it comes up.
    private static readonly TimeSpan Ec2LaunchLag = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ProcessLaunchLag = TimeSpan.FromSeconds(5);

    // EC2 shows an instance after seconds and boots it within a minute or two. A child process takes a second or two.
    private static readonly TimeSpan Ec2LaunchTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ProcessLaunchTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Ec2BootDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ProcessBootDeadline = TimeSpan.FromMinutes(1);

    /// <summary>Silence after which an instance is terminated: a dozen missed records on AWS.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(2);

    // A failed launch on EC2 uses up the account's call quota. A child that fails costs a second of this machine.
    private static readonly TimeSpan Ec2FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ec2LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ProcessFirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ProcessLongestPause = TimeSpan.FromSeconds(10);

    // As many as a person reads. The log has them all.
    private const int ShownDecisions = 20;

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
        var (isAws, isEc2) = EnvironmentSettings.Create(config);
        return new ScalingSettings(
            Policy: scaling.OneOf("policy", "latency", PerImage) == PerImage ? PolicyKind.PerImage : PolicyKind.Latency,
            MaxInstances: scaling.WholeNumberOrCores("max-instances", 1, 1000),
            Interval: BusyLook,
            IdleInterval: isAws ? PaidIdleLook : IdleLook,
            RecordsInterval: RecordsLook,
            CountsLag: isAws ? SqsCountsLag : TimeSpan.Zero,
            LaunchLag: isEc2 ? Ec2LaunchLag : ProcessLaunchLag,
            LaunchTimeout: isEc2 ? Ec2LaunchTimeout : ProcessLaunchTimeout,
            BootDeadline: isEc2 ? Ec2BootDeadline : ProcessBootDeadline,
            SilentAfter: ReadSilentAfter(config),
            SilenceLimit: LongestSilence,
            MaxLifetime: scaling.Duration("max-lifetime", TimeSpan.Zero, TimeSpan.FromDays(365)),
            MinBackoff: isEc2 ? Ec2FirstPause : ProcessFirstPause,
            MaxBackoff: isEc2 ? Ec2LongestPause : ProcessLongestPause,
            KeptDecisions: ShownDecisions,
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
