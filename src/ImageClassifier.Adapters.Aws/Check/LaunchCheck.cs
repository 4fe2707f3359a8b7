using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Tries the launch of app nodes as a dry run for each type in each subnet: EC2 launches nothing. A dry run
/// does not check quotas and capacity.</summary>
/// <param name="ec2">A client of EC2.</param>
/// <param name="settings">How nodes are launched.</param>
public sealed class LaunchCheck(IAmazonEC2 ec2, Ec2FleetSettings settings)
{
    private const string Subject = "launch";

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

        return
        [
            await DescribeAsync(region, cancellation),
            .. await TemplateAsync(cancellation),
            .. await FleetAsync(cancellation),
            .. await CandidatesAsync(cancellation),
        ];
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

    private async Task<IReadOnlyList<CheckFinding>> TemplateAsync(CancellationToken cancellation)
    {
        if (settings.LaunchTemplate is not { } template) return [];
        var subject = $"launch template {template}";
        try
        {
            await ec2.DescribeLaunchTemplateVersionsAsync(LaunchDryRun.Template(settings), cancellation);
            return [CheckFinding.Good(subject, "it is there")];
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            var objection = LaunchObjection.Of(failure, "ec2:DescribeLaunchTemplateVersions");
            return [CheckFinding.Problem(subject, objection.Text)];
        }
    }

    private async Task<IReadOnlyList<CheckFinding>> FleetAsync(CancellationToken cancellation)
    {
        // Without a template, or with settings that CreateFleet cannot override, the fleet uses RunInstances.
        if (settings is not
            {
                LaunchTemplate: not null, SecurityGroups.Count: 0, KeyName: null, InstanceProfile: null,
                UserData: null
            }) return [];
        var refusal = await RefusalOfAsync(
            "ec2:CreateFleet", () => ec2.CreateFleetAsync(LaunchDryRun.Fleet(settings), cancellation), cancellation);
        return refusal is null ? [] : [CheckFinding.Problem(Subject, refusal.Text)];
    }

    private async Task<IReadOnlyList<CheckFinding>> CandidatesAsync(CancellationToken cancellation)
    {
        var outcomes = new List<(LaunchCandidate Candidate, LaunchObjection? Refusal)>();
        foreach (var candidate in LaunchCandidate.Of(settings))
        {
            var request = LaunchDryRun.Instance(settings, candidate);
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
