using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging.Abstractions;

namespace ImageClassifier.Tests.Aws.Fleet;

/// <summary>The contract of a fleet on EC2, by each kind of launch and with each clock.</summary>
public abstract class Ec2InstanceFleetContractSpecs(Ec2FleetSettings settings, TimeSpan clockSkew)
    : InstanceFleetContract
{
    protected static Ec2FleetSettings ByCreateFleet { get; } = new() { LaunchTemplate = "node" };

    protected static Ec2FleetSettings ByRunInstances { get; } =
        new() { Ami = "ami-0123456789abcdef0", InstanceTypes = ["c7i.large"] };

    protected static TimeSpan SlowClock { get; } = TimeSpan.FromHours(-7);

    protected override Task<IFleetUnderTest> CreateAsync() =>
        Task.FromResult<IFleetUnderTest>(new FleetOnFakeEc2(settings, new FastTimeProvider(clockSkew)));

    private sealed class FleetOnFakeEc2(Ec2FleetSettings settings, TimeProvider time) : IFleetUnderTest
    {
        private readonly FakeEc2 _ec2 = new();
        private readonly List<AmazonEC2Client> _clients = [];

        public IInstanceFleet Open()
        {
            var client = _ec2.Client();
            _clients.Add(client);
            return new Ec2InstanceFleet(client, settings, NullLogger<Ec2InstanceFleet>.Instance, time);
        }

        public ValueTask DisposeAsync()
        {
            foreach (var client in _clients) client.Dispose();
            _ec2.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Time passes a hundred times faster, so that a description is soon too old.</summary>
    private sealed class FastTimeProvider(TimeSpan skew) : TimeProvider
    {
        public override long TimestampFrequency => base.TimestampFrequency / 100;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
    }
}

public sealed class CreateFleetContractSpecs() : Ec2InstanceFleetContractSpecs(ByCreateFleet, TimeSpan.Zero);

public sealed class CreateFleetOnASlowClockContractSpecs() : Ec2InstanceFleetContractSpecs(ByCreateFleet, SlowClock);

public sealed class RunInstancesContractSpecs() : Ec2InstanceFleetContractSpecs(ByRunInstances, TimeSpan.Zero);

public sealed class RunInstancesOnASlowClockContractSpecs() : Ec2InstanceFleetContractSpecs(ByRunInstances, SlowClock);
