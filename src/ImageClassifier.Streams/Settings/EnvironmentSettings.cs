using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>Where the queues, the store and the app nodes are. Some constants differ between the environments, because
/// a call or a launch costs money on AWS and nothing on this machine.</summary>
/// <param name="IsAws">True if the queues and the store are on AWS; false if they are on this machine.</param>
/// <param name="HasEc2Fleet">True if app nodes are machines on EC2; false if they are child processes of the web
/// tier.</param>
public sealed record EnvironmentSettings(bool IsAws, bool HasEc2Fleet)
{
    /// <summary>The key that names the environment.</summary>
    public const string Key = "image-classifier.environment";

    /// <summary>The environment of this machine.</summary>
    public const string Embedded = "embedded";

    /// <summary>The environment on AWS.</summary>
    public const string Aws = "aws";

    private const string Processes = "processes";
    private const string Ec2 = "ec2";

    /// <summary>Reads <c>image-classifier.environment</c> and <c>image-classifier.fleet.kind</c>.</summary>
    /// <exception cref="InvalidSettingException">There is no such environment or fleet, or they do not go
    /// together.</exception>
    public static EnvironmentSettings Create(Config config)
    {
        var isAws = NameIn(config) == Aws;
        var hasEc2Fleet = new SettingsSection(config, "image-classifier.fleet").OneOf("kind", Processes, Ec2) == Ec2;
        return isAws || !hasEc2Fleet
            ? new EnvironmentSettings(isAws, hasEc2Fleet)
            : throw new InvalidSettingException("image-classifier.fleet.kind", Ec2,
                "machines on EC2 cannot reach the queues and files of this machine; it goes with the environment aws");
    }

    /// <summary>The name of the environment: <see cref="Embedded"/> or <see cref="Aws"/>.</summary>
    /// <exception cref="InvalidSettingException">There is no such environment.</exception>
    public static string NameIn(Config config) =>
        new SettingsSection(config, "image-classifier").OneOf("environment", Embedded, Aws);
}
