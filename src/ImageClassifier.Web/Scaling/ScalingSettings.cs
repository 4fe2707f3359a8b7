using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Scaling;

/// <summary>How the fleet grows: <c>image-classifier.scaling</c>.</summary>
/// <param name="MaxInstances">The cap.</param>
/// <param name="Interval">How often the scaler looks while there is work or an instance.</param>
/// <param name="IdleInterval">How often it looks otherwise.</param>
/// <param name="SettleTime">How long it only looks after a start.</param>
/// <param name="LaunchTimeout">After this time a launch that the fleet does not show has failed.</param>
/// <param name="MinBackoff">First pause after a failed launch.</param>
/// <param name="MaxBackoff">Longest such pause.</param>
/// <param name="KeptDecisions">How many decisions are shown.</param>
/// <param name="PicturesPerInstance">The per-image policy's share.</param>
public sealed record ScalingSettings(
    int MaxInstances,
    TimeSpan Interval,
    TimeSpan IdleInterval,
    TimeSpan SettleTime,
    TimeSpan LaunchTimeout,
    TimeSpan MinBackoff,
    TimeSpan MaxBackoff,
    int KeptDecisions,
    int PicturesPerInstance)
{
    /// <summary>Reads the settings.</summary>
    public static ScalingSettings Create(Config config)
    {
        var scaling = new SettingsSection(config, "image-classifier.scaling");
        scaling.OneOf("policy", "per-image");
        return new ScalingSettings(
            MaxInstances: scaling.WholeNumberOrCores("max-instances", 1, 1000),
            Interval: scaling.Duration("interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            IdleInterval: scaling.Duration("idle-interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            SettleTime: scaling.Duration("settle-time", TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            LaunchTimeout: scaling.Duration("launch-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            MinBackoff: scaling.Duration("min-backoff", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            MaxBackoff: scaling.Duration("max-backoff", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            KeptDecisions: scaling.WholeNumber("kept-decisions", 1, 1000),
            PicturesPerInstance: scaling.Section("per-image").WholeNumber("pictures-per-instance", 1, 100_000));
    }

    /// <summary>The policy that these settings name.</summary>
    public ScalingPolicy CreatePolicy() => new PerImagePolicy(PicturesPerInstance, MaxInstances);
}
