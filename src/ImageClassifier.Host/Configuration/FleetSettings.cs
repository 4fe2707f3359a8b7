using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>What app nodes run on.</summary>
/// <param name="Kind">The kind of fleet: <see cref="Processes"/> or <see cref="Ec2"/>.</param>
public sealed record FleetSettings(string Kind)
{
    /// <summary>App nodes are child processes of the web tier.</summary>
    public const string Processes = "processes";

    /// <summary>App nodes are machines on EC2.</summary>
    public const string Ec2 = "ec2";

    /// <summary>The setting of the kind.</summary>
    public const string KindKey = "image-classifier.fleet.kind";

    /// <summary>Reads <c>image-classifier.fleet</c>.</summary>
    /// <exception cref="InvalidSettingException">There is no such kind.</exception>
    public static FleetSettings Create(Config config) =>
        new(new SettingsSection(config, "image-classifier.fleet").OneOf("kind", Processes, Ec2));
}

/// <summary>A fleet of child processes.</summary>
/// <param name="BootTimeout">A child that has not come up after this time has failed.</param>
/// <param name="DrainTimeout">How long a stopping web tier waits for its nodes to drain before it ends them.</param>
public sealed record ProcessFleetTimeoutSettings(TimeSpan BootTimeout, TimeSpan DrainTimeout)
{
    /// <summary>Reads <c>image-classifier.fleet.processes</c>.</summary>
    /// <exception cref="InvalidSettingException">A value is not usable.</exception>
    public static ProcessFleetTimeoutSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.fleet.processes");
        return new ProcessFleetTimeoutSettings(
            section.Duration("boot-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            section.Duration("drain-timeout", TimeSpan.Zero, TimeSpan.FromMinutes(10)));
    }
}
