using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging.Abstractions;

namespace ImageClassifier.Tests.Aws.Fleet;

public class Ec2InstanceFleetContractSpecs : InstanceFleetContract
{
    protected virtual TimeSpan ClockSkew => TimeSpan.Zero;

    protected override Task<IFleetUnderTest> CreateAsync() =>
        Task.FromResult<IFleetUnderTest>(new FleetOnFakeEc2(new FastTimeProvider(ClockSkew)));

    private sealed class FleetOnFakeEc2(TimeProvider time) : IFleetUnderTest
    {
        private readonly FakeEc2 _ec2 = new();
        private readonly List<AmazonEC2Client> _clients = [];

        public IInstanceFleet Open()
        {
            var client = _ec2.Client();
            _clients.Add(client);
            return new Ec2InstanceFleet(
                client, new Ec2FleetSettings { LaunchTemplate = "node" }, NullLogger<Ec2InstanceFleet>.Instance, time);
        }

        public ValueTask DisposeAsync()
        {
            foreach (var client in _clients) client.Dispose();
            _ec2.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A hundred seconds pass in one, so that a description is soon out of date.</summary>
    private sealed class FastTimeProvider(TimeSpan skew) : TimeProvider
    {
        public override long TimestampFrequency => base.TimestampFrequency / 100;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
    }
}

public sealed class Ec2InstanceFleetOnASlowClockContractSpecs : Ec2InstanceFleetContractSpecs
{
    protected override TimeSpan ClockSkew => TimeSpan.FromHours(-7);
}
