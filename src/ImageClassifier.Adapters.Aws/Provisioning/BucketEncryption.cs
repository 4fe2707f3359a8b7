using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>The encryption of a bucket, in words and in S3's form.</summary>
internal static class BucketEncryption
{
    private const string On = "on";

    /// <summary>The wanted encryption.</summary>
    /// <param name="kmsKey">The key; null for any.</param>
    public static string Wanted(string? kmsKey) => kmsKey is null ? On : WithKey(kmsKey, hasBucketKey: true);

    /// <summary>The actual encryption, in the same words.</summary>
    public static string Describe(GetBucketEncryptionResponse answer, string? kmsKey)
    {
        if (answer.ServerSideEncryptionConfiguration?.ServerSideEncryptionRules is not [var rule, ..]) return "off";
        if (kmsKey is null) return On;
        var encryption = rule.ServerSideEncryptionByDefault;
        if (encryption?.ServerSideEncryptionAlgorithm != ServerSideEncryptionMethod.AWSKMS) return "S3's own key";
        var key = encryption.ServerSideEncryptionKeyManagementServiceKeyId;
        return WithKey(KmsKeys.AreSame(key, kmsKey) ? kmsKey : KmsKeys.Show(key), rule.BucketKeyEnabled == true);
    }

    /// <summary>The wanted encryption in S3's form.</summary>
    public static ServerSideEncryptionRule Rule(string? kmsKey) => kmsKey is null
        ? new ServerSideEncryptionRule
        {
            ServerSideEncryptionByDefault = new ServerSideEncryptionByDefault
            {
                ServerSideEncryptionAlgorithm = ServerSideEncryptionMethod.AES256,
            },
        }
        : new ServerSideEncryptionRule
        {
            ServerSideEncryptionByDefault = new ServerSideEncryptionByDefault
            {
                ServerSideEncryptionAlgorithm = ServerSideEncryptionMethod.AWSKMS,
                ServerSideEncryptionKeyManagementServiceKeyId = kmsKey,
            },
            // Without a bucket key each picture needs a call to KMS. AWS charges and throttles these calls.
            BucketKeyEnabled = true,
        };

    private static string WithKey(string key, bool hasBucketKey) =>
        $"{key} {(hasBucketKey ? "with" : "without")} a bucket key";
}
