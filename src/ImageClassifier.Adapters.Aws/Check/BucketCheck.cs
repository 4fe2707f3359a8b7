using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks the bucket for the calls that a role makes.</summary>
internal sealed class BucketCheck(IAmazonS3 s3, BucketSettings settings, string? kmsKey, RoleUse use, string region)
{
    private string Subject => $"bucket {settings.Name}";

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(CancellationToken cancellation)
    {
        var findings = new List<CheckFinding>();
        if (await TryListingAsync(cancellation) is { } failure)
        {
            var refusal = AwsRefusals.Of(failure);
            findings.Add(CheckFinding.Problem(Subject, refusal == AwsRefusal.NotThere
                ? $"there is no such bucket ({BucketSettings.NameKey}); aws provision creates it"
                : AwsRefusals.Describe(failure, "s3:ListBucket", region)));
            // Without the permission to list, the other checks still work.
            if (refusal != AwsRefusal.NoPermission) return findings;
        }
        else
        {
            findings.Add(CheckFinding.Good(Subject, "it may be listed"));
        }

        if (use.StoresAnything)
            findings.AddRange(await new StorageTrial(s3, settings, region).RunAsync(Subject, cancellation));
        findings.AddRange(await new ObjectPermissionCheck(s3, settings, region).RunAsync(Subject, use, cancellation));
        if (use.SeesBucketSettings)
        {
            findings.AddRange(
                await new BucketSettingsCheck(s3, settings, kmsKey, region).RunAsync(Subject, cancellation));
        }
        else
        {
            findings.Add(CheckFinding.NotChecked(
                Subject, "its settings, because this role need not see them; --as deployer checks them"));
        }

        return findings;
    }

    private async Task<Exception?> TryListingAsync(CancellationToken cancellation)
    {
        var list = new ListObjectsV2Request { BucketName = settings.Name, Prefix = settings.KeyPrefix, MaxKeys = 1 };
        try
        {
            await s3.ListObjectsV2Async(list, cancellation);
            return null;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return failure;
        }
    }
}
