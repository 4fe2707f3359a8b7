using Amazon.EC2;
using Amazon.EC2.Model;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>One way to ask EC2 for instances. A launch takes its steps in order until it has enough.</summary>
internal abstract class LaunchStep
{
    /// <summary>The name of the step in client tokens. It is unique within the launch.</summary>
    public abstract string Key { get; }

    /// <summary>The name of the call in EC2.</summary>
    public abstract string Operation { get; }

    /// <summary>Steps of one group share a quota of the account; null if the quota is not known.</summary>
    public virtual string? QuotaGroup => null;

    /// <summary>Asks once.</summary>
    /// <param name="count">For how many instances.</param>
    /// <param name="launch">The launch, by which its instances are found.</param>
    /// <param name="clientToken">Names the call: EC2 answers a repeated call with the instances of the first.</param>
    /// <param name="cancellation">Stops waiting for the answer.</param>
    public abstract Task<LaunchAnswer> AskAsync(
        int count, LaunchToken launch, string clientToken, CancellationToken cancellation);
}

/// <summary>The answer of EC2 to a step.</summary>
/// <param name="Instances">The launched instances that the answer names.</param>
/// <param name="Errors">The reasons for missing instances, in EC2's order.</param>
internal sealed record LaunchAnswer(IReadOnlyList<Instance> Instances, IReadOnlyList<LaunchError> Errors);

/// <summary>Why EC2 did not launch in one place.</summary>
internal sealed record LaunchError(string Code, string Message);

/// <summary>RunInstances for one type in one subnet. Its settings override the launch template's.</summary>
internal sealed class RunInstancesStep(
    IAmazonEC2 ec2, LaunchRequests requests, LaunchCandidate candidate, int? hopLimit) : LaunchStep
{
    public override string Key => $"{candidate.Index}";

    public override string Operation => "RunInstances";

    // The quota of a type is the same in every subnet.
    public override string? QuotaGroup => candidate.InstanceType;

    public override async Task<LaunchAnswer> AskAsync(
        int count, LaunchToken launch, string clientToken, CancellationToken cancellation)
    {
        var request = requests.RunInstances(candidate, hopLimit, count, launch, clientToken);
        var answer = await ec2.RunInstancesAsync(request, cancellation);
        return new LaunchAnswer(answer.Reservation?.Instances ?? [], []);
    }

    public override string ToString() => candidate.ToString();
}

/// <summary>CreateFleet in one market, over all types and subnets. EC2 chooses among them by capacity.</summary>
internal sealed class CreateFleetStep(
    IAmazonEC2 ec2, LaunchRequests requests, Ec2Market market, long templateVersion) : LaunchStep
{
    public override string Key => market == Ec2Market.Spot ? "spot" : "on-demand";

    public override string Operation => "CreateFleet";

    public override async Task<LaunchAnswer> AskAsync(
        int count, LaunchToken launch, string clientToken, CancellationToken cancellation)
    {
        var request = requests.CreateFleet(market, templateVersion, count, launch, clientToken);
        var answer = await ec2.CreateFleetAsync(request, cancellation);
        // The answer has little more than ids. The next description adds the rest.
        var instances = (answer.Instances ?? []).SelectMany(group => group.InstanceIds ?? [])
            .Select(id => new Instance { InstanceId = id });
        var errors = (answer.Errors ?? []).Select(error => new LaunchError(error.ErrorCode, error.ErrorMessage));
        return new LaunchAnswer([.. instances], [.. errors]);
    }

    public override string ToString() => $"any type and subnet, {Key}";
}
