using System.Text;
using System.Text.RegularExpressions;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>The markets of EC2 instances.</summary>
public enum Ec2Market
{
    /// <summary>At the list price, for as long as needed.</summary>
    OnDemand,

    /// <summary>Spare capacity, much cheaper, which EC2 takes back with two minutes' notice.</summary>
    Spot,
}

/// <summary>The settings of an <see cref="Ec2InstanceFleet"/>, under <c>image-classifier.fleet.ec2</c>. It launches app
/// nodes from a launch template, from these settings, or from a template that these settings override.</summary>
/// <remarks>Each instance has IMDSv2 only, terminates when it shuts down, and has the fleet's tags, whatever a template
/// says.</remarks>
public sealed partial record Ec2FleetSettings
{
    /// <summary>The path of these settings.</summary>
    public const string Section = "image-classifier.fleet.ec2";

    // EC2's limit before base64.
    private const int MaxUserDataBytes = 16 * 1024;

    /// <summary><c>deployment</c>: the value of the tag <c>image-classifier:deployment</c> on all resources of this
    /// deployment. Two deployments in one account and region need different values, or each would use the other's
    /// instances. 1 to 64 letters, digits and hyphens.</summary>
    public string Deployment { get; init; } = "image-classifier";

    /// <summary><c>launch-template</c>: its id (<c>lt-…</c>) or its name; null to launch from the settings
    /// alone.</summary>
    public string? LaunchTemplate { get; init; }

    /// <summary><c>launch-template-version</c>: a number, <c>$Default</c> or <c>$Latest</c>.</summary>
    public string LaunchTemplateVersion { get; init; } = "$Default";

    /// <summary><c>ami</c>: the image; null if the template names it.</summary>
    public string? Ami { get; init; }

    /// <summary><c>instance-types</c>: tried in this order; empty if the template names one.</summary>
    public IReadOnlyList<string> InstanceTypes { get; init; } = [];

    /// <summary><c>subnets</c>: tried in this order for each type; empty for the template's or the default
    /// subnet.</summary>
    public IReadOnlyList<string> Subnets { get; init; } = [];

    /// <summary><c>security-groups</c>: ids (<c>sg-…</c>); empty for the template's or the network's default
    /// group.</summary>
    public IReadOnlyList<string> SecurityGroups { get; init; } = [];

    /// <summary><c>key-name</c>: the key pair of people who log in; null for none.</summary>
    public string? KeyName { get; init; }

    /// <summary><c>instance-profile</c>: the name or the ARN of the profile with the nodes' role; null for the
    /// template's.</summary>
    public string? InstanceProfile { get; init; }

    /// <summary><c>user-data</c>: the script of the machine's first boot, as plain text of at most 16 KiB; null for the
    /// template's.</summary>
    public string? UserData { get; init; }

    /// <summary>The tag <c>Name</c> of each instance, for people.</summary>
    public string NameTag => $"{Deployment}-node";

    /// <summary><c>market</c>: spot or on demand. CreateFleet fills missing spot capacity on demand; RunInstances does
    /// not.</summary>
    public Ec2Market Market { get; init; } = Ec2Market.OnDemand;

    /// <summary>The fleet describes its instances at most once in this time, because EC2 throttles the calls of the
    /// account.</summary>
    internal TimeSpan DescribeInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Checks these settings and returns them.</summary>
    /// <exception cref="InvalidSettingException">A setting is wrong. What only EC2 knows, such as the existence of an
    /// image, is not checked.</exception>
    internal Ec2FleetSettings Validated()
    {
        Require(DeploymentName().IsMatch(Deployment), "deployment", Deployment,
            "allowed are 1 to 64 letters, digits and hyphens");
        Require(LaunchTemplate != "", "launch-template", LaunchTemplate, "it is an id (lt-…) or a name");
        Require(TemplateVersion().IsMatch(LaunchTemplateVersion), "launch-template-version", LaunchTemplateVersion,
            "allowed are a number, $Default and $Latest");
        Require(Ami is null || ResourceId("ami").IsMatch(Ami), "ami", Ami,
            "an image's id is ami- with hexadecimal digits");
        Require(LaunchTemplate is not null || Ami is not null, "ami", Ami, "without a launch-template it must be set");
        Require(LaunchTemplate is not null || InstanceTypes.Count > 0, "instance-types", null,
            "without a launch-template at least one is needed");
        RequireAll("instance-types", InstanceTypes, InstanceTypeName(), "a type looks like c7i.large");
        RequireAll("subnets", Subnets, ResourceId("subnet"), "a subnet's id is subnet- with hexadecimal digits");
        RequireAll("security-groups", SecurityGroups, ResourceId("sg"), "a group's id is sg- with hexadecimal digits");
        Require(KeyName is null or { Length: > 0 and <= 255 }, "key-name", KeyName, "allowed are 1 to 255 characters");
        Require(InstanceProfile is null || ProfileName().IsMatch(InstanceProfile), "instance-profile", InstanceProfile,
            "it is the name or the ARN of an instance profile");
        Require(UserData is null || Encoding.UTF8.GetByteCount(UserData) <= MaxUserDataBytes, "user-data",
            $"{UserData?.Length} characters", "EC2 takes at most 16 KiB");
        return this;
    }

    private static void RequireAll(string key, IReadOnlyList<string> values, Regex form, string allowed)
    {
        foreach (var value in values) Require(form.IsMatch(value), key, value, allowed);
    }

    private static void Require(bool isUsable, string key, string? value, string allowed)
    {
        if (!isUsable) throw new InvalidSettingException($"{Section}.{key}", value, allowed);
    }

    private static Regex ResourceId(string kind) => new($"^{kind}-[0-9a-f]{{8,32}}$");

    [GeneratedRegex("^[A-Za-z0-9-]{1,64}$")]
    private static partial Regex DeploymentName();

    [GeneratedRegex(@"^(\d{1,9}|\$Default|\$Latest)$")]
    private static partial Regex TemplateVersion();

    [GeneratedRegex(@"^[a-z0-9-]+\.[a-z0-9-]+$")]
    private static partial Regex InstanceTypeName();

    [GeneratedRegex(@"^(arn:aws[a-z-]*:iam::\d{12}:instance-profile/)?[\w+=,.@/-]{1,512}$")]
    private static partial Regex ProfileName();
}
