using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>Reads the settings of the environment <c>aws</c> and of the EC2 fleet.</summary>
public static class AwsConfiguration
{
    private const string Root = "image-classifier";

    /// <summary>Reads <c>image-classifier.aws</c> and the settings that determine the attributes of the
    /// queues.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static AwsSettings CreateAws(Config config)
    {
        var aws = new SettingsSection(config, $"{Root}.aws");
        var queues = QueueSettings.Create(config);
        return new AwsSettings(
            aws.Text("region"),
            new EndpointOverrides(
                aws.Section("sqs").Text("service-url"),
                aws.Section("s3").Text("service-url"),
                aws.Section("ec2").Text("service-url")),
            new AwsQueuesSettings(
                new AwsQueueSettings(
                    AwsQueuesSettings.RequestsKey, aws.Section("sqs").Text("requests"),
                    $"{Root}.queues.requests.lease", queues.Requests.Lease,
                    $"{Root}.queues.requests.max-receives", queues.Requests.MaxReceiveCount),
                new AwsQueueSettings(
                    AwsQueuesSettings.ResponsesKey, aws.Section("sqs").Text("responses"),
                    "the program's lease of results", queues.Responses.Lease,
                    "the program's tries of a result", queues.Responses.MaxReceiveCount)),
            Bucket(aws.Section("s3")),
            aws.Text("kms-key"));
    }

    /// <summary>Reads <c>image-classifier.fleet.ec2</c>. Commas separate the entries of a list, so that it fits an
    /// environment variable.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static Ec2FleetSettings CreateEc2Fleet(Config config)
    {
        var ec2 = new SettingsSection(config, Ec2FleetSettings.Section);
        return new Ec2FleetSettings
        {
            Deployment = ec2.Text("deployment"),
            LaunchTemplate = OrNull(ec2.Text("launch-template")),
            LaunchTemplateVersion = ec2.Text("launch-template-version"),
            Ami = OrNull(ec2.Text("ami")),
            InstanceTypes = List(ec2.Text("instance-types")),
            Subnets = List(ec2.Text("subnets")),
            SecurityGroups = List(ec2.Text("security-groups")),
            KeyName = OrNull(ec2.Text("key-name")),
            InstanceProfile = OrNull(ec2.Text("instance-profile")),
            UserData = OrNull(ec2.Text("user-data")),
            Market = ec2.OneOf("market", "on-demand", "spot") == "spot" ? Ec2Market.Spot : Ec2Market.OnDemand,
        };
    }

    private static BucketSettings Bucket(SettingsSection s3) => new(
        s3.Text("bucket"), s3.Text("key-prefix"),
        s3.Duration("retention", TimeSpan.FromDays(1), TimeSpan.FromDays(3650)));

    private static string? OrNull(string text) => text.Length > 0 ? text : null;

    private static string[] List(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
