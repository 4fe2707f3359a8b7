using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>Creates the bucket and adjusts it.</summary>
internal sealed class BucketProvisioning(IAmazonS3 s3, BucketSettings settings, string? kmsKey, bool dryRun)
{
    // The rule of earlier versions, for all objects. It would delete models.
    private const string AllObjects = "image-classifier-retention";
    private const string BrokenUploads = "image-classifier-broken-uploads";
    private const int DaysOfBrokenUploads = 1;
    private const string FirstRegion = "us-east-1";

    private string Resource => $"bucket {settings.Name}";

    /// <summary>Provisions the bucket and each of its settings; one action for each.</summary>
    public async Task<IReadOnlyList<ProvisioningAction>> RunAsync(CancellationToken cancellation)
    {
        var bucket = await EnsureBucketAsync(cancellation);
        var isThere = !dryRun || bucket.Kind == ProvisioningActionKind.Unchanged;
        return
        [
            bucket,
            await EnsurePrivacyAsync(isThere, cancellation),
            await EnsureEncryptionAsync(isThere, cancellation),
            await EnsureNoVersionsAsync(isThere, cancellation),
            await EnsureLifecycleAsync(isThere, cancellation),
        ];
    }

    private async Task<ProvisioningAction> EnsureBucketAsync(CancellationToken cancellation)
    {
        try
        {
            await s3.HeadBucketAsync(new HeadBucketRequest { BucketName = settings.Name }, cancellation);
            return new ProvisioningAction(Resource, ProvisioningActionKind.Unchanged);
        }
        catch (AmazonS3Exception failure) when (failure.StatusCode == HttpStatusCode.NotFound)
        {
            // S3 wants every region but us-east-1 by name. The SDK derives it only from AWS's own addresses.
            var request = s3.Config.AuthenticationRegion is { Length: > 0 } region and not FirstRegion
                ? new PutBucketRequest { BucketName = settings.Name, BucketRegionName = region }
                : new PutBucketRequest { BucketName = settings.Name, UseClientRegion = true };
            if (!dryRun) await s3.PutBucketAsync(request, cancellation);
            return new ProvisioningAction(Resource, ProvisioningActionKind.Created);
        }
    }

    /// <summary>Blocks public access.</summary>
    /// <param name="isThere">False in a dry run where the bucket is not there yet.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task<ProvisioningAction> EnsurePrivacyAsync(bool isThere, CancellationToken cancellation) => EnsureAsync(
        "public access",
        "blocked",
        unset: "not set",
        async () =>
        {
            var request = new GetPublicAccessBlockRequest { BucketName = settings.Name };
            var block = (await s3.GetPublicAccessBlockAsync(request, cancellation)).PublicAccessBlockConfiguration;
            return block is
            {
                BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true,
            } ? "blocked" : "not all blocked";
        },
        "NoSuchPublicAccessBlockConfiguration",
        isThere,
        () => s3.PutPublicAccessBlockAsync(
            new PutPublicAccessBlockRequest
            {
                BucketName = settings.Name,
                PublicAccessBlockConfiguration = new PublicAccessBlockConfiguration
                {
                    BlockPublicAcls = true,
                    BlockPublicPolicy = true,
                    IgnorePublicAcls = true,
                    RestrictPublicBuckets = true,
                },
            },
            cancellation));

    /// <summary>Sets encryption with the key of the settings. Without such a key any encryption is accepted, because an
    /// operator may have chosen it.</summary>
    /// <param name="isThere">False in a dry run where the bucket is not there yet.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task<ProvisioningAction> EnsureEncryptionAsync(bool isThere, CancellationToken cancellation) => EnsureAsync(
        "encryption",
        BucketEncryption.Wanted(kmsKey),
        unset: "off",
        async () =>
        {
            var request = new GetBucketEncryptionRequest { BucketName = settings.Name };
            return BucketEncryption.Describe(await s3.GetBucketEncryptionAsync(request, cancellation), kmsKey);
        },
        "ServerSideEncryptionConfigurationNotFoundError",
        isThere,
        () => s3.PutBucketEncryptionAsync(
            new PutBucketEncryptionRequest
            {
                BucketName = settings.Name,
                ServerSideEncryptionConfiguration = new ServerSideEncryptionConfiguration
                {
                    ServerSideEncryptionRules = [BucketEncryption.Rule(kmsKey)],
                },
            },
            cancellation));

    /// <summary>Turns versioning off. Old versions would cost money and stay after a deletion.</summary>
    /// <param name="isThere">False in a dry run where the bucket is not there yet.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task<ProvisioningAction> EnsureNoVersionsAsync(bool isThere, CancellationToken cancellation) => EnsureAsync(
        "versioning",
        "off",
        unset: "off",
        async () =>
        {
            var request = new GetBucketVersioningRequest { BucketName = settings.Name };
            var answer = await s3.GetBucketVersioningAsync(request, cancellation);
            return answer.VersioningConfig?.Status == VersionStatus.Enabled ? "on" : "off";
        },
        missingCode: null,
        isThere,
        () => s3.PutBucketVersioningAsync(
            new PutBucketVersioningRequest
            {
                BucketName = settings.Name,
                VersioningConfig = new S3BucketVersioningConfig { Status = VersionStatus.Suspended },
            },
            cancellation));

    private async Task<ProvisioningAction> EnsureLifecycleAsync(bool isThere, CancellationToken cancellation)
    {
        var wanted = Describe(settings.Retention.Days, DaysOfBrokenUploads);
        List<LifecycleRule> rules = [];
        return await EnsureAsync(
            "lifecycle",
            wanted,
            unset: "not set",
            async () =>
            {
                var request = new GetLifecycleConfigurationRequest { BucketName = settings.Name };
                rules = (await s3.GetLifecycleConfigurationAsync(request, cancellation)).Configuration?.Rules ?? [];
                return DescribeRules(rules);
            },
            "NoSuchLifecycleConfiguration",
            isThere,
            () => s3.PutLifecycleConfigurationAsync(
                new PutLifecycleConfigurationRequest
                {
                    BucketName = settings.Name,
                    Configuration = new LifecycleConfiguration { Rules = [.. rules.Where(IsForeign), .. OurRules()] },
                },
                cancellation));
    }

    private static bool IsForeign(LifecycleRule rule) =>
        rule.Id is not (AllObjects or BrokenUploads) && !ExpiringKeys.Prefixes.Any(prefix => rule.Id == IdOf(prefix));

    private static string IdOf(string prefix) => $"{AllObjects}-{prefix.TrimEnd('/')}";

    private LifecycleRule[] OurRules() =>
    [
        .. ExpiringKeys.Prefixes.Select(prefix => new LifecycleRule
        {
            Id = IdOf(prefix),
            Status = LifecycleRuleStatus.Enabled,
            Filter = Under(prefix),
            Expiration = new LifecycleRuleExpiration { Days = settings.Retention.Days },
        }),
        new()
        {
            Id = BrokenUploads,
            Status = LifecycleRuleStatus.Enabled,
            Filter = Under(""),
            AbortIncompleteMultipartUpload =
                new LifecycleRuleAbortIncompleteMultipartUpload { DaysAfterInitiation = DaysOfBrokenUploads },
        },
    ];

    private LifecycleFilter Under(string prefix) => new()
    {
        LifecycleFilterPredicate = new LifecyclePrefixPredicate { Prefix = settings.KeyPrefix + prefix },
    };

    private string DescribeRules(List<LifecycleRule> rules)
    {
        if (rules.Exists(rule => rule.Id == AllObjects)) return "a rule for all objects, models among them";
        int?[] days = [.. ExpiringKeys.Prefixes.Select(prefix => Ours(IdOf(prefix), prefix)?.Expiration?.Days).Distinct()];
        var broken = Ours(BrokenUploads, "")?.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
        return days is not [var same] ? "different for different objects"
            : same is null && broken is null ? "not set"
            : Describe(same, broken);

        LifecycleRule? Ours(string id, string prefix) => rules.FirstOrDefault(rule =>
            rule.Id == id && rule.Status == LifecycleRuleStatus.Enabled
            && PrefixOf(rule) == settings.KeyPrefix + prefix);

        static string PrefixOf(LifecycleRule rule) =>
            (rule.Filter?.LifecycleFilterPredicate as LifecyclePrefixPredicate)?.Prefix ?? "";
    }

    private static string Describe(int? days, int? broken) =>
        $"objects other than models go after {days?.ToString() ?? "no"} days, broken uploads after "
        + (broken?.ToString() ?? "none");

    /// <summary>Reads one setting of the bucket, and changes it if it differs from the wanted value.</summary>
    /// <param name="what">The setting's name, for people.</param>
    /// <param name="wanted">The wanted value, in words.</param>
    /// <param name="unset">The default value, for people.</param>
    /// <param name="read">Returns the actual value, in the same words.</param>
    /// <param name="missingCode">S3's error code for a setting that was never set.</param>
    /// <param name="isThere">False in a dry run where the bucket is not there yet.</param>
    /// <param name="set">Sets the value.</param>
    private async Task<ProvisioningAction> EnsureAsync(
        string what,
        string wanted,
        string unset,
        Func<Task<string>> read,
        string? missingCode,
        bool isThere,
        Func<Task> set)
    {
        var actual = isThere ? await ReadAsync() : unset;
        var resource = $"{Resource}: {what}";
        if (actual == wanted) return new ProvisioningAction(resource, ProvisioningActionKind.Unchanged);
        if (!dryRun) await set();
        return new ProvisioningAction(resource, ProvisioningActionKind.Changed, $"from {actual} to {wanted}");

        async Task<string> ReadAsync()
        {
            try
            {
                return await read();
            }
            catch (AmazonS3Exception failure) when (missingCode is not null && failure.ErrorCode == missingCode)
            {
                return unset;
            }
        }
    }
}
