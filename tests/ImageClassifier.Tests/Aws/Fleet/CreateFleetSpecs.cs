using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Fleet;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Aws.Fleet;

/// <summary>Launches by CreateFleet, and the cases in which RunInstances launches instead.</summary>
public sealed class CreateFleetSpecs : IDisposable
{
    private static readonly Ec2FleetSettings Spot = new()
    {
        LaunchTemplate = "node",
        InstanceTypes = ["c7i.large", "c6i.large"],
        Subnets = ["subnet-0000000a", "subnet-0000000b"],
        Market = Ec2Market.Spot,
    };

    private readonly FakeEc2 _ec2 = new();
    private readonly ManualTimeProvider _time = new();
    private readonly AmazonEC2Client _client;

    public CreateFleetSpecs() => _client = _ec2.Client();

    public static TheoryData<string, Ec2FleetSettings> BeyondAFleet => new()
    {
        { "security groups", Spot with { SecurityGroups = ["sg-0000000a"] } },
        { "a key pair", Spot with { KeyName = "operators" } },
        { "an instance profile", Spot with { InstanceProfile = "image-classifier-node" } },
        { "user data", Spot with { UserData = "#!/bin/sh" } },
        { "no template", Spot with { LaunchTemplate = null, Ami = "ami-0123456789abcdef0" } },
    };

    public void Dispose()
    {
        _client.Dispose();
        _ec2.Dispose();
    }

    [Theory]
    [InlineData("lt-0123456789abcdef0", "LaunchTemplateId")]
    [InlineData("image-classifier-node", "LaunchTemplateName")]
    public async Task One_call_requests_all_types_in_all_subnets(string template, string parameter)
    {
        var settings = Spot with { Deployment = "blue", LaunchTemplate = template };

        var launch = await Fleet(settings).LaunchAsync(3, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(3, launch.Launched.Count);
        var call = Assert.Single(_ec2.Calls("CreateFleet"));
        Assert.Equal("instant", call["Type"]);
        Assert.Equal("3", call["TargetCapacitySpecification.TotalTargetCapacity"]);
        Assert.Equal("spot", call["TargetCapacitySpecification.DefaultTargetCapacityType"]);
        Assert.Equal("price-capacity-optimized", call["SpotOptions.AllocationStrategy"]);
        Assert.Equal("terminate", call["SpotOptions.InstanceInterruptionBehavior"]);
        var specification = "LaunchTemplateConfigs.1.LaunchTemplateSpecification";
        Assert.Equal(template, call[$"{specification}.{parameter}"]);
        Assert.Equal($"{_ec2.Template.Version}", call[$"{specification}.Version"]);
        Assert.Equal(["c7i.large", "c7i.large", "c6i.large", "c6i.large"], call.Overrides("InstanceType"));
        Assert.Equal(
            ["subnet-0000000a", "subnet-0000000b", "subnet-0000000a", "subnet-0000000b"], call.Overrides("SubnetId"));
        foreach (var resource in new[] { "fleet", "instance", "volume" })
        {
            var tags = call.Tags(resource);
            Assert.Equal("blue", tags["image-classifier:deployment"]);
            Assert.Equal("node", tags["image-classifier:role"]);
            Assert.Equal("blue-node", tags["Name"]);
        }
    }

    [Fact]
    public async Task A_template_alone_is_not_overridden()
    {
        await Fleet(new Ec2FleetSettings { LaunchTemplate = "node" }).LaunchAsync(1, "token-1", default);

        var call = Assert.Single(_ec2.Calls("CreateFleet"));
        Assert.DoesNotContain(call.Parameters.Keys, key => key.Contains("Overrides", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Missing_spot_capacity_is_requested_on_demand()
    {
        _ec2.AnswerFleet(launched: 1, "UnfulfillableCapacity");

        var launch = await Fleet(Spot).LaunchAsync(4, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(4, launch.Launched.Distinct().Count());
        Assert.Equal(4, _ec2.Machines.Count);
        Assert.Equal([("spot", "4"), ("on-demand", "3")], Requested());
        Assert.Equal(2, _ec2.Calls("CreateFleet").Select(call => call["ClientToken"]).Distinct().Count());
    }

    [Fact]
    public async Task On_demand_requests_no_spot_and_keeps_the_order_of_the_settings()
    {
        await Fleet(Spot with { Market = Ec2Market.OnDemand }).LaunchAsync(2, "token-1", default);

        var call = Assert.Single(_ec2.Calls("CreateFleet"));
        Assert.Equal([("on-demand", "2")], Requested());
        Assert.Null(call["SpotOptions.AllocationStrategy"]);
        Assert.Equal("prioritized", call["OnDemandOptions.AllocationStrategy"]);
        Assert.Equal(["0", "1", "2", "3"], call.Overrides("Priority").Select(priority => priority.Split('.')[0]));
    }

    [Theory]
    [MemberData(nameof(BeyondAFleet))]
    public async Task Settings_that_CreateFleet_cannot_override_use_RunInstances(string what, Ec2FleetSettings settings)
    {
        await Fleet(settings).LaunchAsync(1, "token-1", default);

        Assert.True(_ec2.Calls("CreateFleet").Count == 0, what);
        Assert.Single(_ec2.Calls("RunInstances"));
    }

    [Theory]
    [InlineData("stop", "required", null)]
    [InlineData(null, "required", null)]
    [InlineData("terminate", "optional", null)]
    [InlineData("terminate", null, null)]
    [InlineData("terminate", "required", "spot")]
    public async Task RunInstances_corrects_a_template_of_another_kind_of_node(
        string? shutdown, string? tokens, string? market)
    {
        _ec2.Template = new Ec2Template
        {
            ShutdownBehavior = shutdown,
            HttpTokens = tokens,
            Market = market,
            HopLimit = "2",
        };

        await Fleet(Spot).LaunchAsync(1, "token-1", default);

        Assert.Empty(_ec2.Calls("CreateFleet"));
        var call = Assert.Single(_ec2.Calls("RunInstances"));
        Assert.Equal("terminate", call["InstanceInitiatedShutdownBehavior"]);
        Assert.Equal("required", call["MetadataOptions.HttpTokens"]);
        Assert.Equal("2", call["MetadataOptions.HttpPutResponseHopLimit"]);
    }

    [Theory]
    [InlineData("DescribeLaunchTemplateVersions", "UnauthorizedOperation")]
    [InlineData("CreateFleet", "InvalidFleetConfig")]
    public async Task If_CreateFleet_is_refused_RunInstances_launches(string operation, string code)
    {
        _ec2.Refuse(operation, code);

        var launch = await Fleet(Spot).LaunchAsync(2, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(2, launch.Launched.Count);
        Assert.Equal("2", Assert.Single(_ec2.Calls("RunInstances"))["MaxCount"]);
    }

    [Fact]
    public async Task Each_error_is_reported_once_with_advice()
    {
        _ec2.AnswerFleet(launched: 0, "InsufficientInstanceCapacity", "InsufficientInstanceCapacity");
        _ec2.AnswerFleet(launched: 1, "InsufficientInstanceCapacity", "VcpuLimitExceeded", "SomethingNew");

        var launch = await Fleet(Spot).LaunchAsync(3, "token-1", default);

        Assert.Single(launch.Launched);
        Assert.Equal(
            "EC2 says InsufficientInstanceCapacity: it has no such machines to spare. More types, and subnets in more "
            + "zones, help. EC2 says VcpuLimitExceeded: the account's quota of on-demand machines is used up. Ask for "
            + "more in Service Quotas (Amazon EC2, Running On-Demand instances). EC2 says SomethingNew: the web "
            + "tier's log has EC2's message",
            launch.Shortfall);
    }

    [Fact]
    public async Task A_partial_launch_without_a_reason_is_reported()
    {
        _ec2.AnswerFleet(launched: 1);

        var launch = await Fleet(Spot with { Market = Ec2Market.OnDemand }).LaunchAsync(3, "token-1", default);

        Assert.Equal("EC2 launched 1 of 3 and gave no reason", launch.Shortfall);
    }

    [Fact]
    public async Task Without_the_service_role_of_Spot_the_launch_ends_with_the_command_to_create_it()
    {
        _ec2.AnswerFleet(launched: 0, "AuthFailure.ServiceLinkedRoleCreationNotPermitted");

        var launch = await Fleet(Spot).LaunchAsync(2, "token-1", default);

        Assert.Contains(
            "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com", launch.Shortfall,
            StringComparison.Ordinal);
        Assert.Equal([("spot", "2")], Requested());
    }

    [Fact]
    public async Task One_wrong_subnet_does_not_prevent_launches_in_the_others()
    {
        _ec2.AnswerFleet(launched: 0, "InvalidSubnetID.NotFound", "InsufficientInstanceCapacity");

        var launch = await Fleet(Spot).LaunchAsync(2, "token-1", default);

        Assert.Equal(2, launch.Launched.Count);
    }

    [Fact]
    public async Task Beyond_the_quota_fewer_are_requested()
    {
        _ec2.AnswerFleet(launched: 0, "MaxSpotInstanceCountExceeded");
        _ec2.AnswerFleet(launched: 0, "MaxSpotInstanceCountExceeded");

        var launch = await Fleet(Spot).LaunchAsync(8, "token-1", default);

        Assert.Equal(8, launch.Launched.Count);
        Assert.Equal([("spot", "8"), ("spot", "4"), ("spot", "2"), ("on-demand", "6")], Requested());
    }

    [Theory]
    [InlineData("RequestLimitExceeded")]
    [InlineData("EC2ThrottledException")]
    public async Task Throttling_is_a_temporary_shortfall(string code)
    {
        _ec2.AnswerFleet(launched: 0, "InsufficientInstanceCapacity", code);
        var fleet = Fleet(Spot);

        var launch = await fleet.LaunchAsync(2, "token-1", default);
        var next = await fleet.LaunchAsync(2, "token-2", default);

        Assert.Contains("tried again after a pause", launch.Shortfall, StringComparison.Ordinal);
        Assert.Null(next.Shortfall);
        Assert.Equal([("spot", "2"), ("spot", "2")], Requested());
    }

    [Fact]
    public async Task An_unanswered_call_is_repeated_with_its_token_and_the_launch_continues()
    {
        _ec2.ShowsLaunches = false;
        _ec2.AnswerFleet(launched: 1, "InsufficientInstanceCapacity");
        _ec2.LoseAnswer("CreateFleet");
        var fleet = Fleet(Spot);

        await Assert.ThrowsAsync<IOException>(() => fleet.LaunchAsync(3, "token-1", default));
        var again = await fleet.LaunchAsync(3, "token-1", default);

        Assert.Null(again.Shortfall);
        Assert.Equal(3, again.Launched.Distinct().Count());
        Assert.Equal(3, _ec2.Machines.Count);
        Assert.Equal([("spot", "3"), ("spot", "3"), ("on-demand", "2")], Requested());
        var tokens = _ec2.Calls("CreateFleet").Select(call => call["ClientToken"]).ToArray();
        Assert.Equal(tokens[0], tokens[1]);
    }

    [Fact]
    public async Task Instances_of_an_unanswered_call_are_found_by_their_tag()
    {
        _ec2.LoseAnswer("CreateFleet");
        var fleet = Fleet(Spot);

        await Assert.ThrowsAsync<IOException>(() => fleet.LaunchAsync(3, "token-1", default));
        var again = await fleet.LaunchAsync(3, "token-1", default);

        Assert.Null(again.Shortfall);
        Assert.Equal(_ec2.Machines.Select(machine => machine.Id).Order(), again.Launched.Select(id => id.Value).Order());
        Assert.Equal(3, _ec2.Machines.Count);
    }

    [Fact]
    public async Task After_an_empty_answer_the_launch_stops_and_a_repeat_continues_it()
    {
        _ec2.AnswerFleet(launched: 0);
        var fleet = Fleet(Spot);

        await Assert.ThrowsAsync<IOException>(() => fleet.LaunchAsync(2, "token-1", default));
        Assert.Equal([("spot", "2")], Requested());
        var again = await fleet.LaunchAsync(2, "token-1", default);

        Assert.Equal(2, again.Launched.Count);
        Assert.Equal([("spot", "2"), ("spot", "2"), ("on-demand", "2")], Requested());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_restart_the_same_token_returns_the_same_instances(bool descriptionsLag)
    {
        _ec2.ShowsLaunches = !descriptionsLag;
        var first = await Fleet(Spot).LaunchAsync(2, "token-1", default);

        var again = await Fleet(Spot).LaunchAsync(2, "token-1", default);

        Assert.Equal(first.Launched.ToHashSet(), again.Launched.ToHashSet());
        Assert.Equal(2, _ec2.Machines.Count);
    }

    private Ec2InstanceFleet Fleet(Ec2FleetSettings settings) =>
        new(_client, settings, NullLogger<Ec2InstanceFleet>.Instance, _time);

    /// <summary>The market and the count of each call.</summary>
    private IEnumerable<(string, string)> Requested() => _ec2.Calls("CreateFleet").Select(call =>
        (call["TargetCapacitySpecification.DefaultTargetCapacityType"]!,
            call["TargetCapacitySpecification.TotalTargetCapacity"]!));
}
