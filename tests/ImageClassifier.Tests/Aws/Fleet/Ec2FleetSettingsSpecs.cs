using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Aws.Fleet;

public class Ec2FleetSettingsSpecs
{
    private static readonly Ec2FleetSettings Template = new() { LaunchTemplate = "node" };

    public static TheoryData<string, Ec2FleetSettings> Unusable => new()
    {
        { "deployment", Template with { Deployment = "" } },
        { "deployment", Template with { Deployment = "blue/green" } },
        { "launch-template", new Ec2FleetSettings { LaunchTemplate = "" } },
        { "launch-template-version", Template with { LaunchTemplateVersion = "newest" } },
        { "ami", new Ec2FleetSettings { InstanceTypes = ["c7i.large"] } },
        { "ami", Template with { Ami = "Debian" } },
        { "instance-types", new Ec2FleetSettings { Ami = "ami-0123456789abcdef0" } },
        { "instance-types", Template with { InstanceTypes = ["large"] } },
        { "subnets", Template with { Subnets = ["10.0.0.0/24"] } },
        { "security-groups", Template with { SecurityGroups = ["web"] } },
        { "key-name", Template with { KeyName = "" } },
        { "instance-profile", Template with { InstanceProfile = "a b" } },
        { "user-data", Template with { UserData = new string('x', (16 * 1024) + 1) } },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void A_wrong_setting_stops_the_start_with_its_name(string key, Ec2FleetSettings settings)
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => new Ec2InstanceFleet(null!, settings, NullLogger<Ec2InstanceFleet>.Instance));

        Assert.Equal($"image-classifier.fleet.ec2.{key}", failure.Key);
    }

    [Fact]
    public void A_template_alone_is_enough() =>
        Assert.NotNull(new Ec2InstanceFleet(null!, Template, NullLogger<Ec2InstanceFleet>.Instance));
}
