using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks the bucket's settings one by one, because a role may see only some of them.</summary>
internal sealed class BucketSettingsCheck(IAmazonS3 s3, BucketSettings settings, string? kmsKey, string region)
{
    private readonly BucketProvisioning _provisioning = new(s3, settings, kmsKey, dryRun: true);

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(string subject, CancellationToken cancellation)
    {
        (string What, string Permission, Func<Task<CheckFinding>> Check)[] checks =
        [
            ("public access", "s3:GetBucketPublicAccessBlock",
                () => JudgeAsync(_provisioning.EnsurePrivacyAsync(isThere: true, cancellation))),
            ("encryption", "s3:GetEncryptionConfiguration",
                () => JudgeAsync(_provisioning.EnsureEncryptionAsync(isThere: true, cancellation))),
            ("versioning", "s3:GetBucketVersioning",
                () => JudgeAsync(_provisioning.EnsureNoVersionsAsync(isThere: true, cancellation))),
            ("lifecycle", "s3:GetLifecycleConfiguration", () => JudgeLifecycleAsync($"{subject}: lifecycle")),
        ];
        var findings = new List<CheckFinding>();
        foreach (var (what, permission, check) in checks)
        {
            try
            {
                findings.Add(await check());
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
            {
                // Only provisioning needs this permission, not the program.
                findings.Add(AwsRefusals.Of(failure) == AwsRefusal.NoPermission
                    ? CheckFinding.NotChecked($"{subject}: {what}", $"no permission for {permission}")
                    : CheckFinding.Problem(
                        $"{subject}: {what}", AwsRefusals.Describe(failure, permission, region)));
            }
        }

        return findings;

        async Task<CheckFinding> JudgeLifecycleAsync(string lifecycle)
        {
            try
            {
                var request = new GetLifecycleConfigurationRequest { BucketName = settings.Name };
                var answer = await s3.GetLifecycleConfigurationAsync(request, cancellation);
                return LifecycleCheck.Judge(lifecycle, answer.Configuration?.Rules ?? [], settings);
            }
            catch (AmazonS3Exception failure) when (failure.ErrorCode == "NoSuchLifecycleConfiguration")
            {
                return LifecycleCheck.Judge(lifecycle, [], settings);
            }
        }
    }

    private static async Task<CheckFinding> JudgeAsync(Task<ProvisioningAction> looking)
    {
        var action = await looking;
        return action.Kind == ProvisioningActionKind.Unchanged
            ? CheckFinding.Good(action.Resource, "it is as it should be")
            : CheckFinding.Problem(action.Resource, $"{action.Detail} is due; aws provision does it");
    }
}
