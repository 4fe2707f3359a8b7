using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Fleet;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>The calls that launch app nodes, as dry runs. They carry what policies look at, as the fleet's own calls
/// do: template, type, subnet, tags, IMDSv2.</summary>
internal static class LaunchDryRun
{
    /// <summary>One instance of a candidate.</summary>
    public static RunInstancesRequest Instance(Ec2FleetSettings settings, LaunchCandidate candidate) => new()
    {
        DryRun = true,
        MinCount = 1,
        MaxCount = 1,
        LaunchTemplate = settings.LaunchTemplate is null
            ? null
            : new LaunchTemplateSpecification
            {
                LaunchTemplateId = TemplateId(settings),
                LaunchTemplateName = TemplateName(settings),
                Version = settings.LaunchTemplateVersion,
            },
        ImageId = settings.Ami,
        InstanceType = candidate.InstanceType is { } type ? InstanceType.FindValue(type) : null,
        SubnetId = candidate.Subnet,
        SecurityGroupIds = settings.SecurityGroups is { Count: > 0 } groups ? [.. groups] : null,
        KeyName = settings.KeyName,
        IamInstanceProfile = Profile(settings.InstanceProfile),
        InstanceMarketOptions = settings.Market == Ec2Market.Spot
            ? new InstanceMarketOptionsRequest { MarketType = MarketType.Spot }
            : null,
        InstanceInitiatedShutdownBehavior = ShutdownBehavior.Terminate,
        MetadataOptions = new InstanceMetadataOptionsRequest { HttpTokens = HttpTokensState.Required },
        TagSpecifications = [Tags(settings, ResourceType.Instance), Tags(settings, ResourceType.Volume)],
    };

    /// <summary>One instance of any candidate, by the call that chooses among them. It needs a template.</summary>
    public static CreateFleetRequest Fleet(Ec2FleetSettings settings) => new()
    {
        DryRun = true,
        Type = FleetType.Instant,
        TargetCapacitySpecification = new TargetCapacitySpecificationRequest
        {
            TotalTargetCapacity = 1,
            DefaultTargetCapacityType = settings.Market == Ec2Market.Spot
                ? DefaultTargetCapacityType.Spot
                : DefaultTargetCapacityType.OnDemand,
        },
        LaunchTemplateConfigs =
        [
            new FleetLaunchTemplateConfigRequest
            {
                LaunchTemplateSpecification = new FleetLaunchTemplateSpecificationRequest
                {
                    LaunchTemplateId = TemplateId(settings),
                    LaunchTemplateName = TemplateName(settings),
                    Version = settings.LaunchTemplateVersion,
                },
                Overrides =
                [
                    .. LaunchCandidate.Of(settings).Select(candidate => new FleetLaunchTemplateOverridesRequest
                    {
                        InstanceType = candidate.InstanceType is { } type ? InstanceType.FindValue(type) : null,
                        SubnetId = candidate.Subnet,
                    }),
                ],
            },
        ],
        TagSpecifications =
        [
            Tags(settings, ResourceType.Fleet), Tags(settings, ResourceType.Instance),
            Tags(settings, ResourceType.Volume),
        ],
    };

    /// <summary>The version of the launch template, which the fleet looks at before each launch.</summary>
    public static DescribeLaunchTemplateVersionsRequest Template(Ec2FleetSettings settings) => new()
    {
        LaunchTemplateId = TemplateId(settings),
        LaunchTemplateName = TemplateName(settings),
        Versions = [settings.LaunchTemplateVersion],
    };

    private static string? TemplateId(Ec2FleetSettings settings) => IsTemplateId(settings)
        ? settings.LaunchTemplate
        : null;

    private static string? TemplateName(Ec2FleetSettings settings) => IsTemplateId(settings)
        ? null
        : settings.LaunchTemplate;

    private static bool IsTemplateId(Ec2FleetSettings settings) =>
        settings.LaunchTemplate?.StartsWith("lt-", StringComparison.Ordinal) == true;

    private static IamInstanceProfileSpecification? Profile(string? profile) => profile switch
    {
        null => null,
        _ when profile.StartsWith("arn:", StringComparison.Ordinal) =>
            new IamInstanceProfileSpecification { Arn = profile },
        _ => new IamInstanceProfileSpecification { Name = profile },
    };

    private static TagSpecification Tags(Ec2FleetSettings settings, ResourceType resource) => new()
    {
        ResourceType = resource,
        Tags =
        [
            new Tag(Ec2InstanceFleet.DeploymentTag, settings.Deployment),
            new Tag(Ec2InstanceFleet.RoleTag, Ec2InstanceFleet.NodeRole),
            new Tag("Name", settings.NameTag),
        ],
    };
}
