using System.Text.RegularExpressions;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The settings for AWS: <c>image-classifier.aws</c>. Credentials are not among them, because the SDK finds
/// them by its own chain.</summary>
public sealed partial record AwsSettings
{
    /// <summary>The setting of <see cref="Region"/>.</summary>
    public const string RegionKey = "image-classifier.aws.region";

    /// <summary>The setting of <see cref="EndpointOverrides.Sqs"/>.</summary>
    public const string SqsServiceUrlKey = "image-classifier.aws.sqs.service-url";

    /// <summary>The setting of <see cref="EndpointOverrides.S3"/>.</summary>
    public const string S3ServiceUrlKey = "image-classifier.aws.s3.service-url";

    /// <summary>The setting of <see cref="EndpointOverrides.Ec2"/>.</summary>
    public const string Ec2ServiceUrlKey = "image-classifier.aws.ec2.service-url";

    /// <summary>The setting of <see cref="KmsKey"/>.</summary>
    public const string KmsKeyKey = "image-classifier.aws.kms-key";

    /// <summary>Creates the settings, and checks those that depend on each other.</summary>
    /// <param name="region">See <see cref="Region"/>; empty is null.</param>
    /// <param name="endpoints">Addresses of services outside AWS.</param>
    /// <param name="queues">The two queues.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="kmsKey">See <see cref="KmsKey"/>; empty is null.</param>
    /// <exception cref="InvalidSettingException">The region is no region's name, or the key no key's ARN.</exception>
    public AwsSettings(
        string? region, EndpointOverrides endpoints, AwsQueuesSettings queues, BucketSettings bucket,
        string? kmsKey = null)
    {
        Region = string.IsNullOrEmpty(region) ? null : region;
        if (Region is not null && !Region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new InvalidSettingException(RegionKey, region, "a region is named like eu-central-1");
        Endpoints = endpoints;
        Queues = queues;
        Bucket = bucket;
        KmsKey = string.IsNullOrEmpty(kmsKey) ? null : kmsKey;
        if (KmsKey is not null && !KmsKeyArn().IsMatch(KmsKey))
        {
            throw new InvalidSettingException(
                KmsKeyKey, kmsKey, "a key's ARN is like arn:aws:kms:eu-central-1:123456789012:key/…, and no alias");
        }
    }

    /// <summary>The region; null leaves it to the SDK: its variables, the profile, the machine.</summary>
    public string? Region { get; }

    /// <summary>Addresses of services outside AWS.</summary>
    public EndpointOverrides Endpoints { get; }

    /// <summary>The two queues.</summary>
    public AwsQueuesSettings Queues { get; }

    /// <summary>The bucket.</summary>
    public BucketSettings Bucket { get; }

    /// <summary>The ARN of the key of KMS that encrypts queues and bucket; null for the services' own keys.</summary>
    public string? KmsKey { get; }

    [GeneratedRegex(@"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]
    private static partial Regex KmsKeyArn();
}

/// <summary>Addresses of services outside AWS: an emulator, a VPC endpoint. If an address is null, the SDK's variables
/// count (<c>AWS_ENDPOINT_URL_SQS</c> and the like), and otherwise AWS's own address.</summary>
public sealed record EndpointOverrides
{
    /// <summary>No addresses: all services are on AWS, unless the SDK's variables give others.</summary>
    public static EndpointOverrides None { get; } = new(null, null, null);

    /// <summary>Creates the addresses. An empty one counts as null.</summary>
    /// <exception cref="InvalidSettingException">An address is not an absolute http or https address.</exception>
    public EndpointOverrides(string? sqs, string? s3, string? ec2)
    {
        Sqs = AddressOf(AwsSettings.SqsServiceUrlKey, sqs);
        S3 = AddressOf(AwsSettings.S3ServiceUrlKey, s3);
        Ec2 = AddressOf(AwsSettings.Ec2ServiceUrlKey, ec2);
    }

    /// <summary>The address of SQS.</summary>
    public Uri? Sqs { get; }

    /// <summary>The address of S3. Buckets are then named in the path and not in the host.</summary>
    public Uri? S3 { get; }

    /// <summary>The address of EC2.</summary>
    public Uri? Ec2 { get; }

    private static Uri? AddressOf(string key, string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new InvalidSettingException(key, text, "it must be an address like https://host:port");
    }
}
