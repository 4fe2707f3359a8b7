using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>The kind of fleet.</summary>
/// <param name="Kind">The kind of fleet: <see cref="Processes"/> or <see cref="Ec2"/>.</param>
public sealed record FleetSettings(string Kind)
{
    /// <summary>App nodes are child processes of the web tier.</summary>
    public const string Processes = "processes";

    /// <summary>App nodes are machines on EC2.</summary>
    public const string Ec2 = "ec2";

    /// <summary>The setting of the kind.</summary>
    public const string KindKey = "image-classifier.fleet.kind";

    /// <summary>Reads <c>image-classifier.fleet.kind</c>.</summary>
    /// <exception cref="InvalidSettingException">There is no such kind.</exception>
    public static FleetSettings Create(Config config) =>
        new(new SettingsSection(config, "image-classifier.fleet").OneOf("kind", Processes, Ec2));
}
