using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Sends the fleet's own requests as dry runs, one for each type in each subnet: EC2 launches nothing. A dry
/// run does not check quotas and capacity.</summary>
/// <param name="ec2">A client of EC2.</param>
/// <param name="settings">How nodes are launched.</param>
public sealed class LaunchCheck(IAmazonEC2 ec2, Ec2FleetSettings settings)
{
    private const string Subject = "launch";

    private readonly LaunchRequests _requests = new(settings);
    private readonly LaunchToken _launch = LaunchToken.Of(settings.Deployment, "aws check");

    internal async Task<IReadOnlyList<CheckFinding>> RunAsync(string region, CancellationToken cancellation)
    {
        try
        {
            settings.Validated();
        }
        catch (InvalidSettingException wrong)
        {
            return [CheckFinding.Problem(Subject, wrong.Message)];
        }

        var findings = new List<CheckFinding> { await DescribeAsync(region, cancellation) };
        LaunchTemplateFacts? facts = null;
        if (settings.LaunchTemplate is { } template)
        {
            (var finding, facts) = await TemplateAsync(template, cancellation);
            findings.Add(finding);
        }

        findings.AddRange(await FleetAsync(facts, cancellation));
        findings.AddRange(await CandidatesAsync(facts?.HopLimit, cancellation));
        return findings;
    }

    private async Task<CheckFinding> DescribeAsync(string region, CancellationToken cancellation)
    {
        const string subject = "instances";
        try
        {
            await ec2.DescribeInstancesAsync(
                new DescribeInstancesRequest
                {
                    Filters = [new Filter($"tag:{Ec2InstanceFleet.DeploymentTag}", [settings.Deployment])],
                    MaxResults = 5,
                },
                cancellation);
            return CheckFinding.Good(subject, "they may be seen");
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return CheckFinding.Problem(
                subject, AwsRefusals.Describe(failure, "ec2:DescribeInstances", region));
        }
    }

    /// <summary>Reads the launch template, as the fleet does before each launch.</summary>
    private async Task<(CheckFinding Finding, LaunchTemplateFacts? Facts)> TemplateAsync(
        string template, CancellationToken cancellation)
    {
        var subject = $"launch template {template}";
        try
        {
            var facts = await LaunchTemplateFacts.ReadAsync(
                ec2, _requests, settings.LaunchTemplateVersion, cancellation);
            if (!facts.IsThere) return (CheckFinding.Problem(subject, facts.Objection!), null);
            return (CheckFinding.Good(subject, facts.Objection is { } reason
                ? $"it is there; nodes are launched by RunInstances and not by CreateFleet, because {reason}"
                : "it is there"), facts);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            var objection = LaunchObjection.Of(failure, "ec2:DescribeLaunchTemplateVersions");
            return (CheckFinding.Problem(subject, objection.Text), null);
        }
    }

    private async Task<IReadOnlyList<CheckFinding>> FleetAsync(
        LaunchTemplateFacts? template, CancellationToken cancellation)
    {
        // The fleet then uses RunInstances.
        if (template is not { Objection: null } || _requests.FleetObstacle is not null) return [];
        var request = _requests.CreateFleet(settings.Market, template.Version, count: 1, _launch, clientToken: null);
        request.DryRun = true;
        var refusal = await RefusalOfAsync(
            "ec2:CreateFleet", () => ec2.CreateFleetAsync(request, cancellation), cancellation);
        return refusal is null ? [] : [CheckFinding.Problem(Subject, refusal.Text)];
    }

    private async Task<IReadOnlyList<CheckFinding>> CandidatesAsync(
        int? hopLimit, CancellationToken cancellation)
    {
        var outcomes = new List<(LaunchCandidate Candidate, LaunchObjection? Refusal)>();
        foreach (var candidate in LaunchCandidate.Of(settings))
        {
            var request = _requests.RunInstances(candidate, hopLimit, count: 1, _launch, clientToken: null);
            request.DryRun = true;
            outcomes.Add((candidate, await RefusalOfAsync(
                "ec2:RunInstances", () => ec2.RunInstancesAsync(request, cancellation), cancellation)));
        }

        // A zone may lack a type. That does no harm while another candidate launches.
        var someLaunch = outcomes.Exists(outcome => outcome.Refusal is null);
        return
        [
            .. outcomes.GroupBy(outcome => outcome.Refusal).Select(group =>
            {
                var subject = $"{Subject} of {string.Join(", ", group.Select(outcome => outcome.Candidate))}";
                if (group.Key is not { } refusal) return CheckFinding.Good(subject, "EC2 would launch");
                return refusal.IsOfOneCandidate && someLaunch
                    ? CheckFinding.Good(subject, $"{refusal.Text}; others launch")
                    : CheckFinding.Problem(subject, refusal.Text);
            }),
        ];
    }

    /// <summary>Why EC2 refuses a dry run; null if it would launch.</summary>
    private static async Task<LaunchObjection?> RefusalOfAsync(
        string permission, Func<Task> call, CancellationToken cancellation)
    {
        try
        {
            await call();
            return new LaunchObjection("EC2 ignored that this is a dry run, and may have launched", false);
        }
        catch (AmazonEC2Exception answer) when (answer.ErrorCode == "DryRunOperation")
        {
            return null;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return LaunchObjection.Of(failure, permission);
        }
    }
}
