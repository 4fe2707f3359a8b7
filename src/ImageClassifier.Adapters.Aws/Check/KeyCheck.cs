using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Tries the two permissions on the KMS key that encrypted queues and an encrypted bucket need.</summary>
/// <param name="kms">A client of KMS.</param>
/// <param name="key">The key's ARN.</param>
public sealed class KeyCheck(IAmazonKeyManagementService kms, string key)
{
    internal async Task<CheckFinding> RunAsync(string region, CancellationToken cancellation)
    {
        var subject = $"key {key}";
        var permission = "kms:GenerateDataKey";
        try
        {
            // KMS keeps no data keys: this one is gone when the check ends.
            var made = await kms.GenerateDataKeyAsync(
                new GenerateDataKeyRequest { KeyId = key, KeySpec = DataKeySpec.AES_256 }, cancellation);
            permission = "kms:Decrypt";
            await kms.DecryptAsync(
                new DecryptRequest { KeyId = key, CiphertextBlob = made.CiphertextBlob }, cancellation);
            return CheckFinding.Good(subject, "it may be used");
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return CheckFinding.Problem(
                subject, $"{AwsRefusals.Describe(failure, permission, region)}; it is {AwsSettings.KmsKeyKey}");
        }
    }
}
