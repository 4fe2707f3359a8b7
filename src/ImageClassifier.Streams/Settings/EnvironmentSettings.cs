using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>Where the queues and the store are. Some constants differ between the environments, because a call costs
/// money on AWS and nothing on this machine.</summary>
/// <param name="IsAws">True on AWS; false if this machine has everything.</param>
public sealed record EnvironmentSettings(bool IsAws)
{
    /// <summary>The key that names the environment.</summary>
    public const string Key = "image-classifier.environment";

    /// <summary>The environment of this machine.</summary>
    public const string Embedded = "embedded";

    /// <summary>The environment on AWS.</summary>
    public const string Aws = "aws";

    /// <summary>Reads <c>image-classifier.environment</c>.</summary>
    /// <exception cref="InvalidSettingException">There is no such environment.</exception>
    public static EnvironmentSettings Create(Config config) =>
        new(new SettingsSection(config, "image-classifier").OneOf("environment", Embedded, Aws) == Aws);
}
