using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Configuration;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>The steps of a launch.</summary>
/// <param name="Steps">The steps, in order.</param>
/// <param name="Fallback">The steps if CreateFleet does not take the launch at all.</param>
internal sealed record LaunchPlan(IReadOnlyList<LaunchStep> Steps, IReadOnlyList<LaunchStep> Fallback);

/// <summary>
/// Chooses between CreateFleet and RunInstances. CreateFleet asks once for all types and subnets, and EC2 chooses. It
/// needs a launch template, and cannot override all of it. If it cannot serve, RunInstances asks for each type in each
/// subnet.
/// </summary>
internal sealed class LaunchPlanner(IAmazonEC2 ec2, Ec2FleetSettings settings, ILogger log)
{
    private const string TemplateOperation = "DescribeLaunchTemplateVersions";

    private readonly LaunchRequests _requests = new(settings);
    private readonly IReadOnlyList<LaunchCandidate> _candidates = LaunchCandidate.Of(settings);
    private string? _loggedReason;

    /// <summary>The steps of the next launch.</summary>
    /// <exception cref="IOException">EC2 did not answer.</exception>
    public async Task<LaunchPlan> PlanAsync(CancellationToken cancellation)
    {
        if (settings.LaunchTemplate is null) return OneByOne(hopLimit: null);
        var template = await TemplateAsync(cancellation);
        if ((_requests.FleetObstacle ?? template.Objection) is { } reason)
        {
            LogReason(reason);
            return OneByOne(template.HopLimit);
        }

        Ec2Market[] markets =
            settings.Market == Ec2Market.Spot ? [Ec2Market.Spot, Ec2Market.OnDemand] : [Ec2Market.OnDemand];
        return new LaunchPlan(
            [.. markets.Select(market => new CreateFleetStep(ec2, _requests, market, template.Version))],
            OneByOne(template.HopLimit).Steps);
    }

    private LaunchPlan OneByOne(int? hopLimit) => new(
        [.. _candidates.Select(candidate => new RunInstancesStep(ec2, _requests, candidate, hopLimit))], []);

    private async Task<LaunchTemplateFacts> TemplateAsync(CancellationToken cancellation)
    {
        try
        {
            return await LaunchTemplateFacts.ReadAsync(ec2, _requests, settings.LaunchTemplateVersion, cancellation);
        }
        catch (AmazonEC2Exception refused) when (LaunchRefusals.Of(refused.ErrorCode) != LaunchRefusal.Unanswered)
        {
            // RunInstances overrides the template's important settings, and its own answer reports any other fault.
            return new LaunchTemplateFacts(0, null, AwsFailure.Describe("EC2", TemplateOperation, refused));
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw AwsFailure.AsIOException("EC2", TemplateOperation, failure);
        }
    }

    private void LogReason(string reason)
    {
        if (reason == _loggedReason) return;
        _loggedReason = reason;
        log.LogWarning(
            "App nodes are launched by RunInstances, type by type, and not by CreateFleet, which finds room better: "
            + "launch template {Template}: {Reason}", settings.LaunchTemplate, reason);
    }
}
