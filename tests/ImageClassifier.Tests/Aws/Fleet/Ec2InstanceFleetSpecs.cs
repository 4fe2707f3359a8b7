using System.Text;
using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Aws.Fleet;

public sealed class Ec2InstanceFleetSpecs : IDisposable
{
    private static readonly Ec2FleetSettings FourCandidates = new()
    {
        Ami = "ami-0123456789abcdef0",
        InstanceTypes = ["c7i.large", "c6i.large"],
        Subnets = ["subnet-0000000a", "subnet-0000000b"],
    };

    private readonly FakeEc2 _ec2 = new();
    private readonly ManualTimeProvider _time = new();
    private readonly AmazonEC2Client _client;

    public Ec2InstanceFleetSpecs() => _client = _ec2.Client();

    public void Dispose()
    {
        _client.Dispose();
        _ec2.Dispose();
    }

    [Fact]
    public async Task A_launch_without_a_template_sends_all_settings()
    {
        var fleet = Fleet(new Ec2FleetSettings
        {
            Deployment = "blue",
            Ami = "ami-0123456789abcdef0",
            InstanceTypes = ["c7i.large"],
            Subnets = ["subnet-0000000a"],
            SecurityGroups = ["sg-0000000a", "sg-0000000b"],
            KeyName = "operators",
            InstanceProfile = "image-classifier-node",
            UserData = "#!/bin/bash\necho ä\n",
            Market = Ec2Market.Spot,
        });

        await fleet.LaunchAsync(3, "token-1", default);

        var call = Assert.Single(_ec2.Calls("RunInstances"));
        Assert.Equal("1", call["MinCount"]);
        Assert.Equal("3", call["MaxCount"]);
        Assert.Equal("ami-0123456789abcdef0", call["ImageId"]);
        Assert.Equal("c7i.large", call["InstanceType"]);
        Assert.Equal("subnet-0000000a", call["SubnetId"]);
        Assert.Equal(["sg-0000000a", "sg-0000000b"], call.List("SecurityGroupId"));
        Assert.Equal("operators", call["KeyName"]);
        Assert.Equal("image-classifier-node", call["IamInstanceProfile.Name"]);
        Assert.Equal("#!/bin/bash\necho ä\n", Encoding.UTF8.GetString(Convert.FromBase64String(call["UserData"]!)));
        Assert.Equal("spot", call["InstanceMarketOptions.MarketType"]);
        Assert.Equal("one-time", call["InstanceMarketOptions.SpotOptions.SpotInstanceType"]);
        Assert.Equal("terminate", call["InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior"]);
        Assert.Equal("terminate", call["InstanceInitiatedShutdownBehavior"]);
        Assert.Equal("required", call["MetadataOptions.HttpTokens"]);
        Assert.Equal("1", call["MetadataOptions.HttpPutResponseHopLimit"]);
        foreach (var resource in new[] { "instance", "volume" })
        {
            var tags = call.Tags(resource);
            Assert.Equal("blue", tags["image-classifier:deployment"]);
            Assert.Equal("node", tags["image-classifier:role"]);
            Assert.Equal("blue-node", tags["Name"]);
        }
    }

    [Theory]
    [InlineData("lt-0123456789abcdef0", "LaunchTemplate.LaunchTemplateId")]
    [InlineData("image-classifier-node", "LaunchTemplate.LaunchTemplateName")]
    public async Task A_launch_template_is_given_by_id_or_name(string template, string parameter)
    {
        var fleet = Fleet(new Ec2FleetSettings
        {
            LaunchTemplate = template,
            LaunchTemplateVersion = "7",
            KeyName = "operators",
        });

        await fleet.LaunchAsync(1, "token-1", default);

        var call = Assert.Single(_ec2.Calls("RunInstances"));
        Assert.Equal(template, call[parameter]);
        Assert.Equal("7", call["LaunchTemplate.Version"]);
        // Empty settings must not override the template's.
        Assert.Null(call["ImageId"]);
        Assert.Null(call["InstanceType"]);
        Assert.Null(call["SubnetId"]);
        Assert.Null(call["UserData"]);
        Assert.Empty(call.List("SecurityGroupId"));
        Assert.Equal("required", call["MetadataOptions.HttpTokens"]);
        Assert.Equal("terminate", call["InstanceInitiatedShutdownBehavior"]);
    }

    [Theory]
    [InlineData("InsufficientInstanceCapacity")]
    [InlineData("InsufficientFreeAddressesInSubnet")]
    [InlineData("SpotMaxPriceTooLow")]
    [InlineData("Unsupported")]
    public async Task Without_capacity_the_next_subnet_is_tried(string code)
    {
        _ec2.Refuse("RunInstances", code);

        var launch = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(2, launch.Launched.Count);
        Assert.Equal([("c7i.large", "subnet-0000000a"), ("c7i.large", "subnet-0000000b")], Tried());
        var tokens = _ec2.Calls("RunInstances").Select(call => call["ClientToken"]!).ToArray();
        Assert.Equal(2, tokens.Distinct().Count());
        Assert.All(tokens, token => Assert.InRange(token.Length, 1, 64));
        Assert.All(tokens, token => Assert.True(token.All(char.IsAscii)));
    }

    [Theory]
    [InlineData("VcpuLimitExceeded")]
    [InlineData("InstanceLimitExceeded")]
    [InlineData("MaxSpotInstanceCountExceeded")]
    public async Task Beyond_the_quota_fewer_are_tried_and_then_the_next_type(string code)
    {
        _ec2.Refuse("RunInstances", code, code, code);

        var launch = await Fleet(FourCandidates).LaunchAsync(5, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(
            [("c7i.large", "5"), ("c7i.large", "2"), ("c7i.large", "1"), ("c6i.large", "5")],
            _ec2.Calls("RunInstances").Select(call => (call["InstanceType"]!, call["MaxCount"]!)));
    }

    [Fact]
    public async Task Instances_that_one_candidate_lacks_come_from_the_next()
    {
        _ec2.LimitCapacity("c7i.large", 2);

        var launch = await Fleet(FourCandidates).LaunchAsync(5, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(5, launch.Launched.Distinct().Count());
        Assert.Equal(2, _ec2.Machines.Count(machine => machine.Type == "c7i.large"));
        Assert.Equal(3, _ec2.Machines.Count(machine => machine.Type == "c6i.large"));
    }

    [Fact]
    public async Task Without_capacity_in_any_candidate_the_shortfall_reports_it()
    {
        _ec2.LimitCapacity("c7i.large", 1);
        _ec2.LimitCapacity("c6i.large", 0);

        var launch = await Fleet(FourCandidates).LaunchAsync(3, "token-1", default);

        Assert.Single(launch.Launched);
        Assert.Contains("InsufficientInstanceCapacity", launch.Shortfall, StringComparison.Ordinal);
        Assert.Equal(4, Tried().Distinct().Count());
    }

    [Fact]
    public async Task RunInstances_does_not_replace_missing_spot_capacity_by_on_demand()
    {
        _ec2.LimitCapacity("c7i.large", 0);
        _ec2.LimitCapacity("c6i.large", 0);

        var launch = await Fleet(FourCandidates with { Market = Ec2Market.Spot }).LaunchAsync(1, "token-1", default);

        Assert.Empty(launch.Launched);
        Assert.Contains("InsufficientInstanceCapacity", launch.Shortfall, StringComparison.Ordinal);
        Assert.Equal(4, Tried().Distinct().Count());
        Assert.All(_ec2.Calls("RunInstances"),
            call => Assert.Equal("spot", call["InstanceMarketOptions.MarketType"]));
    }

    [Theory]
    [InlineData("UnauthorizedOperation")]
    [InlineData("InvalidAMIID.NotFound")]
    public async Task A_fault_of_all_candidates_ends_the_launch(string code)
    {
        _ec2.Refuse("RunInstances", code);

        var launch = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Empty(launch.Launched);
        Assert.StartsWith($"EC2 says {code}: ", launch.Shortfall, StringComparison.Ordinal);
        // EC2's message may name the account, and clients read the shortfall.
        Assert.DoesNotContain("sentence", launch.Shortfall, StringComparison.Ordinal);
        Assert.Single(_ec2.Calls("RunInstances"));
    }

    [Fact]
    public async Task The_sdk_does_not_repeat_a_call_for_lack_of_capacity()
    {
        _ec2.LimitCapacity("c7i.large", 0);
        _ec2.LimitCapacity("c6i.large", 0);
        using var clients = EmulatedAws.ClientsOf(_ec2.Endpoint);
        var fleet = new Ec2InstanceFleet(
            clients.Ec2(), FourCandidates, NullLogger<Ec2InstanceFleet>.Instance, _time);

        var launch = await fleet.LaunchAsync(2, "token-1", default);

        Assert.Empty(launch.Launched);
        Assert.Equal(4, _ec2.Calls("RunInstances").Count);
    }

    [Fact]
    public async Task A_throttled_launch_is_repeated_with_the_same_token()
    {
        _ec2.Refuse("RunInstances", "RequestLimitExceeded");

        var launch = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(2, _ec2.Machines.Count);
        var calls = _ec2.Calls("RunInstances");
        Assert.Equal(2, calls.Count);
        Assert.Equal(calls[0]["ClientToken"], calls[1]["ClientToken"]);
    }

    [Fact]
    public async Task Continued_throttling_is_a_shortfall()
    {
        _ec2.Refuse("RunInstances", [.. Enumerable.Repeat("RequestLimitExceeded", 20)]);

        var launch = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Empty(launch.Launched);
        Assert.Contains("RequestLimitExceeded", launch.Shortfall, StringComparison.Ordinal);
        Assert.Single(Tried().Distinct());
    }

    [Theory]
    [InlineData("InternalError")]
    [InlineData("Unavailable")]
    public async Task A_launch_that_EC2_may_have_carried_out_is_repeated_with_its_token(string code)
    {
        _ec2.Refuse("RunInstances", code);
        var fleet = Fleet(FourCandidates);

        await Assert.ThrowsAsync<IOException>(() => fleet.LaunchAsync(2, "token-1", default));
        var again = await fleet.LaunchAsync(2, "token-1", default);

        Assert.Equal(2, again.Launched.Count);
        Assert.Single(_ec2.Calls("RunInstances").Select(call => call["ClientToken"]).Distinct());
    }

    [Fact]
    public async Task An_unanswered_launch_continues_with_the_same_candidate()
    {
        _ec2.ShowsLaunches = false;
        _ec2.Refuse("RunInstances", "InsufficientInstanceCapacity", "InternalError");
        var fleet = Fleet(FourCandidates);

        await Assert.ThrowsAsync<IOException>(() => fleet.LaunchAsync(2, "token-1", default));
        var again = await fleet.LaunchAsync(2, "token-1", default);

        Assert.Equal(2, again.Launched.Count);
        var tokens = _ec2.Calls("RunInstances").Select(call => call["ClientToken"]).ToArray();
        Assert.Equal(3, tokens.Length);
        Assert.NotEqual(tokens[0], tokens[1]);
        Assert.Equal(tokens[1], tokens[2]);
    }

    [Fact]
    public async Task After_a_restart_a_launch_with_instances_is_not_tried_again()
    {
        _ec2.LimitCapacity("c7i.large", 0);
        var first = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);
        _ec2.LimitCapacity("c7i.large", 10);

        var again = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Equal(first.Launched, again.Launched);
        Assert.Equal(2, _ec2.Machines.Count);
    }

    [Fact]
    public async Task A_repeated_token_returns_the_same_instances_even_while_descriptions_lag()
    {
        _ec2.ShowsLaunches = false;

        var first = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);
        var again = await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        Assert.Equal(first.Launched, again.Launched);
        Assert.Equal(2, _ec2.Machines.Count);
    }

    [Fact]
    public async Task A_repeated_token_with_other_settings_is_refused_with_the_reason()
    {
        _ec2.ShowsLaunches = false;
        await Fleet(FourCandidates).LaunchAsync(2, "token-1", default);

        var again = await Fleet(FourCandidates with { KeyName = "operators" }).LaunchAsync(2, "token-1", default);

        Assert.Empty(again.Launched);
        Assert.Contains("IdempotentParameterMismatch", again.Shortfall, StringComparison.Ordinal);
        Assert.Contains("client token", again.Shortfall, StringComparison.Ordinal);
        Assert.Equal(2, _ec2.Machines.Count);
    }

    [Fact]
    public async Task The_same_token_in_another_deployment_is_another_launch()
    {
        var blue = await Fleet(FourCandidates with { Deployment = "blue" }).LaunchAsync(1, "token-1", default);
        var green = Fleet(FourCandidates with { Deployment = "green" });

        var launch = await green.LaunchAsync(1, "token-1", default);

        Assert.NotEqual(blue.Launched, launch.Launched);
        Assert.Equal(launch.Launched, (await green.DescribeAsync(default)).Select(instance => instance.Id));
    }

    [Fact]
    public async Task Descriptions_are_read_page_by_page()
    {
        var fleet = Fleet(FourCandidates);
        await fleet.LaunchAsync(5, "token-1", default);
        _ec2.PageSize = 2;

        var seen = await Fleet(FourCandidates).DescribeAsync(default);

        Assert.Equal(5, seen.Count);
        var pages = _ec2.Calls("DescribeInstances").Skip(1).ToArray();
        Assert.Equal([null, "2", "4"], pages.Select(call => call["NextToken"]));
    }

    [Fact]
    public async Task EC2_is_called_at_most_every_five_seconds()
    {
        var fleet = Fleet(FourCandidates);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fleet.DescribeAsync(default)));
        _time.Advance(TimeSpan.FromSeconds(4.9));
        await fleet.DescribeAsync(default);
        Assert.Single(_ec2.Calls("DescribeInstances"));

        _time.Advance(TimeSpan.FromSeconds(0.1));
        await fleet.DescribeAsync(default);
        Assert.Equal(2, _ec2.Calls("DescribeInstances").Count);
    }

    [Fact]
    public async Task A_failed_description_names_the_call_and_is_not_repeated_at_once()
    {
        _ec2.Refuse("DescribeInstances", "UnauthorizedOperation");
        var fleet = Fleet(FourCandidates);

        var failure = await Assert.ThrowsAsync<IOException>(() => fleet.DescribeAsync(default));
        await Assert.ThrowsAsync<IOException>(() => fleet.DescribeAsync(default));

        Assert.StartsWith(
            "EC2 DescribeInstances failed: UnauthorizedOperation: ", failure.Message, StringComparison.Ordinal);
        Assert.Single(_ec2.Calls("DescribeInstances"));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Empty(await fleet.DescribeAsync(default));
    }

    [Fact]
    public async Task A_launched_instance_shows_at_once_and_while_descriptions_lag()
    {
        _ec2.ShowsLaunches = false;
        var fleet = Fleet(FourCandidates);
        await fleet.DescribeAsync(default);

        var launch = await fleet.LaunchAsync(1, "token-1", default);
        Assert.Equal(launch.Launched, (await fleet.DescribeAsync(default)).Select(instance => instance.Id));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(launch.Launched, (await fleet.DescribeAsync(default)).Select(instance => instance.Id));

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await fleet.DescribeAsync(default));
    }

    [Theory]
    [InlineData("pending", InstanceState.Pending)]
    [InlineData("running", InstanceState.Running)]
    [InlineData("shutting-down", InstanceState.Draining)]
    [InlineData("stopping", InstanceState.Draining)]
    [InlineData("stopped", InstanceState.Ended)]
    [InlineData("terminated", InstanceState.Ended)]
    public async Task Ec2_states_become_states_of_the_fleet(string ec2State, InstanceState state)
    {
        _ec2.Add(Machine(ec2State));

        var seen = Assert.Single(await Fleet(FourCandidates).DescribeAsync(default));

        Assert.Equal(state, seen.State);
        Assert.Equal(_time.GetUtcNow(), seen.LaunchedAt);
        Assert.Equal(state == InstanceState.Ended, seen.EndedAt is not null);
    }

    [Fact]
    public async Task A_machine_that_was_seen_running_has_a_running_time_after_its_end()
    {
        var machine = Machine("pending");
        _ec2.Add(machine);
        var fleet = Fleet(FourCandidates);
        Assert.Null((await OnlyAsync(fleet)).RunningAt);

        _time.Advance(TimeSpan.FromSeconds(20));
        machine.State = "running";
        var running = await OnlyAsync(fleet);
        var cameUpAt = _time.GetUtcNow();
        // Its system is booting, and EC2 does not know when its node polls.
        Assert.Equal((InstanceState.Running, null), (running.State, running.RunningAt));

        _time.Advance(TimeSpan.FromMinutes(1));
        var endedAt = _time.GetUtcNow();
        machine.Terminate(endedAt);
        var ended = await OnlyAsync(fleet);
        Assert.Equal(cameUpAt, ended.RunningAt);
        Assert.Equal(endedAt, ended.EndedAt);

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Empty(await fleet.DescribeAsync(default));
    }

    [Fact]
    public async Task A_node_that_ended_itself_between_two_descriptions_is_no_failed_launch()
    {
        var machine = Machine("pending");
        machine.Terminate(_time.GetUtcNow() + TimeSpan.FromSeconds(70));
        _ec2.Add(machine);

        Assert.NotNull((await OnlyAsync(Fleet(FourCandidates))).RunningAt);
    }

    [Theory]
    [InlineData("Server.InternalError")]
    [InlineData("Server.InsufficientInstanceCapacity")]
    [InlineData("Client.VolumeLimitExceeded")]
    [InlineData("Client.InvalidSnapshot.NotFound")]
    public async Task A_machine_that_ec2_could_not_start_is_a_failed_launch(string reason)
    {
        var machine = Machine("terminated");
        machine.StateReason = reason;
        _ec2.Add(machine);

        Assert.Null((await OnlyAsync(Fleet(FourCandidates))).RunningAt);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(4, false)]
    public async Task A_machine_that_soon_turned_itself_off_is_a_failed_launch(int minutes, bool isFailed)
    {
        var machine = Machine("running");
        _ec2.Add(machine);
        var fleet = Fleet(FourCandidates);
        await fleet.DescribeAsync(default);

        _time.Advance(TimeSpan.FromMinutes(minutes));
        machine.State = "terminated";
        machine.StateReason = "Client.InstanceInitiatedShutdown";

        Assert.Equal(isFailed, (await OnlyAsync(fleet)).RunningAt is null);
    }

    [Fact]
    public async Task Unknown_ids_do_not_prevent_the_termination_of_the_others()
    {
        var fleet = Fleet(FourCandidates);
        var launch = await fleet.LaunchAsync(2, "token-1", default);

        await fleet.TerminateAsync(
            [
                InstanceId.Parse("i-0aaaaaaaaaaaaaaaa"), .. launch.Launched, InstanceId.Parse("i-0bbbbbbbbbbbbbbbb"),
                InstanceId.Parse("node-1"),
            ],
            default);

        Assert.All(_ec2.Machines, machine => Assert.Equal("terminated", machine.State));
        Assert.Equal([4, 2], _ec2.Calls("TerminateInstances").Select(call => call.List("InstanceId").Count));
    }

    [Fact]
    public async Task A_refused_termination_names_the_call()
    {
        var fleet = Fleet(FourCandidates);
        var launch = await fleet.LaunchAsync(1, "token-1", default);
        _ec2.Refuse("TerminateInstances", "OperationNotPermitted");

        var failure = await Assert.ThrowsAsync<IOException>(() => fleet.TerminateAsync(launch.Launched, default));

        Assert.Contains(
            "EC2 TerminateInstances failed: OperationNotPermitted", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_caller_does_not_cancel_the_others_description()
    {
        var fleet = Fleet(FourCandidates);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => fleet.DescribeAsync(new CancellationToken(canceled: true)));

        Assert.Empty(await fleet.DescribeAsync(default));
        Assert.Single(_ec2.Calls("DescribeInstances"));
    }

    private Ec2InstanceFleet Fleet(Ec2FleetSettings settings) =>
        new(_client, settings, NullLogger<Ec2InstanceFleet>.Instance, _time);

    /// <summary>The only instance in a fresh description.</summary>
    private async Task<FleetInstance> OnlyAsync(Ec2InstanceFleet fleet)
    {
        _time.Advance(TimeSpan.FromSeconds(5));
        return Assert.Single(await fleet.DescribeAsync(default));
    }

    private Ec2Machine Machine(string state) => new(
        "i-0123456789abcdef0", "", "c7i.large",
        new Dictionary<string, string>
        {
            [Ec2InstanceFleet.DeploymentTag] = FourCandidates.Deployment,
            [Ec2InstanceFleet.RoleTag] = Ec2InstanceFleet.NodeRole,
        },
        _time.GetUtcNow())
    {
        State = state,
    };

    private IEnumerable<(string, string)> Tried() =>
        _ec2.Calls("RunInstances").Select(call => (call["InstanceType"]!, call["SubnetId"]!));
}
