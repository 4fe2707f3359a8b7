using Amazon.S3;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks whether a role can do its work on AWS with these settings: credentials, permissions, queues, bucket
/// and launches. It makes the role's own calls, and no others. It changes nothing, except that as the web tier it
/// stores and deletes one small object.</summary>
/// <param name="role">The role to check. The credentials must be that role's.</param>
/// <param name="sqs">A client of SQS.</param>
/// <param name="s3">A client of S3.</param>
/// <param name="settings">The program's settings for AWS.</param>
/// <param name="longestJob">The longest duration of a job. The lease of a request must not be shorter.</param>
public sealed class AwsCheck(
    AwsRole role, IAmazonSQS sqs, IAmazonS3 s3, AwsSettings settings, TimeSpan longestJob)
{
    private readonly RoleUse _use = RoleUse.Of(role);

    /// <summary>Tries the launch of app nodes; null if nodes are not EC2 instances.</summary>
    public LaunchCheck? Launches { get; init; }

    /// <summary>Tries the KMS key; null if none is set.</summary>
    public KeyCheck? Key { get; init; }

    /// <summary>Checks everything. A refusal of AWS is a finding, never an exception.</summary>
    /// <returns>One finding for each thing checked; all is well if none is a problem.</returns>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(CancellationToken cancellation)
    {
        var region = settings.Region ?? sqs.Config.RegionEndpoint?.SystemName ?? "(unknown)";
        var findings = new List<CheckFinding>
        {
            CheckFinding.Good("role", $"checked as {Name(role)}; --as {Others()} checks as another"),
            CheckLease(),
        };
        var credentials = await CheckCredentialsAsync(region, cancellation);
        findings.Add(credentials);
        if (credentials.IsProblem) return findings;

        var queues = settings.Queues;
        var queueCheck = new QueueCheck(sqs, settings.KmsKey, region);
        findings.AddRange(await queueCheck.RunAsync(
            queues.Requests, _use.Requests, _use.RequestDeadLetters, cancellation));
        findings.AddRange(await queueCheck.RunAsync(
            queues.Responses, _use.Responses, _use.ResponseDeadLetters, cancellation));
        findings.AddRange(await new BucketCheck(s3, settings.Bucket, settings.KmsKey, _use, region)
            .RunAsync(cancellation));
        if (Key is not null && _use.UsesKey) findings.Add(await Key.RunAsync(region, cancellation));
        if (Launches is not null && _use.Launches) findings.AddRange(await Launches.RunAsync(region, cancellation));
        if (_use.Untried is { } untried) findings.Add(CheckFinding.NotChecked("permissions", untried));
        return findings;
    }

    private string Others() => string.Join(", ", Enum.GetValues<AwsRole>().Where(other => other != role).Select(Name));

    private static string Name(AwsRole role) => $"{role}".ToLowerInvariant();

    private CheckFinding CheckLease()
    {
        var requests = settings.Queues.Requests;
        return requests.Lease < longestJob
            ? CheckFinding.Problem(
                "settings",
                $"{requests.LeaseName} = {requests.Lease.TotalSeconds} s is shorter than a job can take "
                + $"({longestJob.TotalSeconds} s), so another node would begin it again")
            : CheckFinding.Good("settings", "the lease is longer than a job");
    }

    /// <summary>Asks for the request queue, which each role may do. Here only errors of the credentials
    /// count.</summary>
    private async Task<CheckFinding> CheckCredentialsAsync(string region, CancellationToken cancellation)
    {
        const string subject = "credentials";
        try
        {
            await sqs.GetQueueUrlAsync(new GetQueueUrlRequest(settings.Queues.Requests.Name), cancellation);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            switch (AwsRefusals.Of(failure))
            {
                case AwsRefusal.NoCredentials or AwsRefusal.BadCredentials:
                    return CheckFinding.Problem(subject, AwsRefusals.Describe(failure, "sqs:GetQueueUrl", region));
                case AwsRefusal.Other:
                    return CheckFinding.Problem(
                        subject, $"they could not be tried ({AwsFailure.Describe("SQS", "GetQueueUrl", failure)})");
            }
        }

        return CheckFinding.Good(subject, "AWS takes them");
    }
}
