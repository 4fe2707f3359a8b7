using Amazon.S3;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Looks whether the program can work on AWS as it is set: credentials, permissions, and how queues and bucket
/// are. It changes nothing but one small object, which it stores and deletes.</summary>
/// <param name="sqs">A client of SQS.</param>
/// <param name="s3">A client of S3.</param>
/// <param name="settings">What the program is set to.</param>
/// <param name="longestJob">How long one job can take: the lease of a request must not be shorter.</param>
public sealed class AwsCheck(IAmazonSQS sqs, IAmazonS3 s3, AwsSettings settings, TimeSpan longestJob)
{
    /// <summary>Looks at everything. What AWS refuses is a finding, never an exception.</summary>
    /// <returns>One finding for each thing that was looked at; all is well when none is a problem.</returns>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(CancellationToken cancellation)
    {
        var region = settings.Region ?? sqs.Config.RegionEndpoint?.SystemName ?? "(unknown)";
        var findings = new List<CheckFinding> { CheckLease() };
        var credentials = await CheckCredentialsAsync(region, cancellation);
        findings.Add(credentials);
        if (credentials.IsProblem) return findings;

        foreach (var queue in settings.Queues.All)
            findings.AddRange(await new QueueCheck(sqs, queue, region).RunAsync(cancellation));
        findings.AddRange(await new BucketCheck(s3, settings.Bucket, region).RunAsync(cancellation));
        return findings;
    }

    private CheckFinding CheckLease()
    {
        var requests = settings.Queues.Requests;
        return requests.Lease < longestJob
            ? CheckFinding.Problem(
                "settings",
                $"{requests.LeaseKey} = {requests.Lease.TotalSeconds} s is shorter than a job can take "
                + $"({longestJob.TotalSeconds} s), so that others would begin it again")
            : CheckFinding.Good("settings", "the lease is longer than a job");
    }

    /// <summary>Asks for the request queue, which anyone may who can use the program; only what that says of the
    /// credentials counts here.</summary>
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
