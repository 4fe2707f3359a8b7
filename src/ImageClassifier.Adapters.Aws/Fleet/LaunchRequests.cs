using System.Text;
using System.Text.RegularExpressions;
using Amazon.EC2;
using Amazon.EC2.Model;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>Writes the settings of a fleet as requests to EC2.</summary>
internal sealed partial class LaunchRequests(Ec2FleetSettings settings)
{
    // Only the machine itself may ask, not a container behind a bridge.
    private const int DefaultHopLimit = 1;

    private readonly IReadOnlyList<LaunchCandidate> _candidates = LaunchCandidate.Of(settings);

    /// <summary>The id of the launch template, if the settings give an id; otherwise null.</summary>
    public string? TemplateId { get; } =
        settings.LaunchTemplate is { } id && TemplateIdForm().IsMatch(id) ? id : null;

    /// <summary>The name of the launch template, if the settings give a name; otherwise null.</summary>
    public string? TemplateName => TemplateId is null ? settings.LaunchTemplate : null;

    /// <summary>Why CreateFleet cannot launch with these settings: it has no override for one of them. Null if it
    /// can.</summary>
    public string? FleetObstacle { get; } = settings switch
    {
        { LaunchTemplate: null } => "fleet.ec2.launch-template is not set",
        { SecurityGroups.Count: > 0 } => "fleet.ec2.security-groups is set",
        { KeyName: not null } => "fleet.ec2.key-name is set",
        { InstanceProfile: not null } => "fleet.ec2.instance-profile is set",
        { UserData: not null } => "fleet.ec2.user-data is set",
        _ => null,
    };

    /// <summary>Instances of one type in one subnet.</summary>
    public RunInstancesRequest RunInstances(
        LaunchCandidate candidate, int? hopLimit, int count, LaunchToken launch, string? clientToken) => new()
        {
            MinCount = 1,
            MaxCount = count,
            ClientToken = clientToken,
            LaunchTemplate = settings.LaunchTemplate is null
                ? null
                : new LaunchTemplateSpecification
                {
                    LaunchTemplateId = TemplateId,
                    LaunchTemplateName = TemplateName,
                    Version = settings.LaunchTemplateVersion,
                },
            ImageId = settings.Ami,
            InstanceType = candidate.InstanceType is { } type ? InstanceType.FindValue(type) : null,
            SubnetId = candidate.Subnet,
            SecurityGroupIds = settings.SecurityGroups is { Count: > 0 } groups ? [.. groups] : null,
            KeyName = settings.KeyName,
            IamInstanceProfile = Profile(),
            UserData = settings.UserData is { } text ? Convert.ToBase64String(Encoding.UTF8.GetBytes(text)) : null,
            InstanceMarketOptions = settings.Market == Ec2Market.Spot ? Spot() : null,
            // A node powers its machine off. A stopped instance would stay, and cost money for its disk.
            InstanceInitiatedShutdownBehavior = ShutdownBehavior.Terminate,
            MetadataOptions = new InstanceMetadataOptionsRequest
            {
                HttpEndpoint = InstanceMetadataEndpointState.Enabled,
                HttpTokens = HttpTokensState.Required,
                HttpPutResponseHopLimit = hopLimit ?? DefaultHopLimit,
            },
            TagSpecifications = [.. Marks(launch, ResourceType.Instance, ResourceType.Volume)],
        };

    /// <summary>Instances of any type in any subnet, at once or not at all.</summary>
    public CreateFleetRequest CreateFleet(
        Ec2Market market, long templateVersion, int count, LaunchToken launch, string? clientToken) => new()
        {
            Type = FleetType.Instant,
            ClientToken = clientToken,
            TargetCapacitySpecification = new TargetCapacitySpecificationRequest
            {
                TotalTargetCapacity = count,
                DefaultTargetCapacityType = market == Ec2Market.Spot
                    ? DefaultTargetCapacityType.Spot
                    : DefaultTargetCapacityType.OnDemand,
            },
            // EC2 chooses the pools with the most capacity, which it interrupts least, and then the cheapest of them.
            // There is no price limit: EC2 caps the price at the on-demand price, and a lower limit would only cause
            // more interruptions.
            SpotOptions = market == Ec2Market.Spot
                ? new SpotOptionsRequest
                {
                    AllocationStrategy = SpotAllocationStrategy.PriceCapacityOptimized,
                    InstanceInterruptionBehavior = SpotInstanceInterruptionBehavior.Terminate,
                }
                : null,
            // The order in the settings is a preference.
            OnDemandOptions = market == Ec2Market.OnDemand && HasOverrides
                ? new OnDemandOptionsRequest { AllocationStrategy = FleetOnDemandAllocationStrategy.Prioritized }
                : null,
            LaunchTemplateConfigs =
            [
                new FleetLaunchTemplateConfigRequest
                {
                    LaunchTemplateSpecification = new FleetLaunchTemplateSpecificationRequest
                    {
                        LaunchTemplateId = TemplateId,
                        LaunchTemplateName = TemplateName,
                        Version = $"{templateVersion}",
                    },
                    Overrides = HasOverrides
                        ? [.. _candidates.Select(candidate => Override(candidate, market))]
                        : null,
                },
            ],
            TagSpecifications = [.. Marks(launch, ResourceType.Fleet, ResourceType.Instance, ResourceType.Volume)],
        };

    private bool HasOverrides =>
        settings.Ami is not null || settings.InstanceTypes.Count > 0 || settings.Subnets.Count > 0;

    private FleetLaunchTemplateOverridesRequest Override(LaunchCandidate candidate, Ec2Market market) => new()
    {
        InstanceType = candidate.InstanceType is { } type ? InstanceType.FindValue(type) : null,
        SubnetId = candidate.Subnet,
        ImageId = settings.Ami,
        Priority = market == Ec2Market.OnDemand ? candidate.Index : null,
    };

    private IEnumerable<TagSpecification> Marks(LaunchToken launch, params ResourceType[] resources)
    {
        List<Tag> tags =
        [
            new(Ec2InstanceFleet.DeploymentTag, settings.Deployment),
            new(Ec2InstanceFleet.RoleTag, Ec2InstanceFleet.NodeRole),
            new(Ec2InstanceFleet.LaunchTag, launch.Name),
            new("Name", settings.NameTag),
        ];
        return resources.Select(resource => new TagSpecification { ResourceType = resource, Tags = tags });
    }

    private IamInstanceProfileSpecification? Profile() => settings.InstanceProfile switch
    {
        null => null,
        { } arn when arn.StartsWith("arn:", StringComparison.Ordinal) =>
            new IamInstanceProfileSpecification { Arn = arn },
        { } name => new IamInstanceProfileSpecification { Name = name },
    };

    // One-time and terminating: a node that EC2 took back must not return by itself.
    private static InstanceMarketOptionsRequest Spot() => new()
    {
        MarketType = MarketType.Spot,
        SpotOptions = new SpotMarketOptions
        {
            SpotInstanceType = SpotInstanceType.OneTime,
            InstanceInterruptionBehavior = InstanceInterruptionBehavior.Terminate,
        },
    };

    [GeneratedRegex("^lt-[0-9a-f]{8,32}$")]
    private static partial Regex TemplateIdForm();
}
