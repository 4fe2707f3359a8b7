using Amazon;
using Amazon.Runtime;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Reads settings from SSM's Parameter Store, or from Secrets Manager, which SSM reads by the name
/// <c>/aws/reference/secretsmanager/NAME</c>.</summary>
public static class SettingsParameter
{
    /// <summary>The setting that names the parameter.</summary>
    public const string Key = "image-classifier.aws.settings-parameter";

    // At the first boot the network and the role's credentials can take some seconds. Retries bridge them. A longer
    // start would look like a hang, so it fails, and systemd starts the program again.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AttemptLimit = TimeSpan.FromSeconds(10);

    private const int Retries = 3;

    /// <summary>The decrypted value of the parameter. It may contain secrets, so no message may show it.</summary>
    /// <param name="region">The region; empty leaves it to the SDK.</param>
    /// <param name="name">The parameter's name or ARN.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="InvalidSettingException">There is no such parameter, it may not be read, or nothing names a
    /// region.</exception>
    /// <exception cref="IOException">SSM did not answer in time, or failed.</exception>
    public static async Task<string> ReadAsync(string region, string name, CancellationToken cancellation)
    {
        using var ssm = Client(region);
        return await ReadAsync(ssm, name, cancellation);
    }

    /// <summary>Creates a client of SSM. Its address is AWS's own, or that in <c>AWS_ENDPOINT_URL_SSM</c>.</summary>
    /// <param name="region">The region; empty leaves it to the SDK.</param>
    /// <exception cref="InvalidSettingException">Nothing names a region.</exception>
    private static AmazonSimpleSystemsManagementClient Client(string region)
    {
        var config = new AmazonSimpleSystemsManagementConfig
        {
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = Retries,
            Timeout = AttemptLimit,
        };
        if (region.Length > 0) config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        try
        {
            return new AmazonSimpleSystemsManagementClient(config);
        }
        catch (AmazonClientException failure)
        {
            throw new InvalidSettingException(AwsSettings.RegionKey, null,
                "neither it nor AWS_REGION, nor a profile, nor the machine names a region", failure);
        }
    }

    /// <summary>The decrypted value of the parameter. It may contain secrets, so no message may show it.</summary>
    /// <param name="ssm">A client of SSM.</param>
    /// <param name="name">The parameter's name or ARN.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <param name="time">Measures the limit of 30 s; null for the system's.</param>
    /// <exception cref="InvalidSettingException">There is no such parameter, or it may not be read.</exception>
    /// <exception cref="IOException">SSM did not answer in time, or failed.</exception>
    public static async Task<string> ReadAsync(
        IAmazonSimpleSystemsManagement ssm, string name, CancellationToken cancellation, TimeProvider? time = null)
    {
        using var limit = new CancellationTokenSource(Limit, time ?? TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var request = new GetParameterRequest { Name = name, WithDecryption = true };
            return (await ssm.GetParameterAsync(request, either.Token)).Parameter.Value;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            if (Refusal(failure) is { } reason) throw new InvalidSettingException(Key, name, reason, failure);
            throw new IOException($"The settings in {Key} = {name} cannot be read: "
                + $"{AwsFailure.Describe("SSM", "GetParameter", failure)}", failure);
        }
    }

    /// <summary>The reason if SSM refuses the parameter until someone corrects it; null if a later try may
    /// succeed.</summary>
    private static string? Refusal(Exception failure) => failure switch
    {
        ParameterNotFoundException or ParameterVersionNotFoundException =>
            "SSM has no such parameter in this account and region; create it as a SecureString, or name a secret of "
            + "Secrets Manager as /aws/reference/secretsmanager/NAME",
        AmazonSimpleSystemsManagementException { ErrorCode: "ValidationException" } =>
            $"it is no parameter's name ({AwsFailure.Reason(failure)})",
        InvalidKeyIdException => $"the key that encrypts it cannot be used ({AwsFailure.Reason(failure)})",
        _ when AwsRefusals.Of(failure) is AwsRefusal.NoPermission =>
            $"no permission to read it ({AwsFailure.Reason(failure)}); the role needs ssm:GetParameter on it, "
            + "kms:Decrypt where a key of your own encrypts it, and secretsmanager:GetSecretValue for a secret",
        _ when AwsRefusals.IsPermanent(failure) => AwsFailure.Reason(failure),
        _ => null,
    };
}
