using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>The fleet for one web tier, which can be killed.</summary>
internal sealed class KillableFleet(IInstanceFleet fleet, Lifeline lifeline) : IInstanceFleet
{
    public Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation) =>
        lifeline.CallAsync(() => fleet.LaunchAsync(count, clientToken, CancellationToken.None));

    public Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation) =>
        lifeline.CallAsync(() => fleet.FindLaunchedAsync(clientToken, cancellation));

    public Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation) =>
        lifeline.CallAsync(() => fleet.DescribeAsync(cancellation));

    public Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation) =>
        lifeline.CallAsync(() => fleet.TerminateAsync(instances, cancellation));
}
