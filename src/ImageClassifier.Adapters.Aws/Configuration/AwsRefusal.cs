using System.Net;
using Amazon.Runtime;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>What AWS means when it refuses, as far as a check tells it apart.</summary>
internal enum AwsRefusal
{
    NoCredentials,
    BadCredentials,
    NoPermission,
    WrongRegion,
    NotThere,
    Other,
}

internal static class AwsRefusals
{
    public static AwsRefusal Of(Exception failure) => failure switch
    {
        AmazonServiceException refused => Of(refused),
        // The SDK's own, and not for the network: it found nothing to sign with.
        AmazonClientException
        {
            InnerException: not (HttpRequestException or IOException or OperationCanceledException),
        } => AwsRefusal.NoCredentials,
        _ => AwsRefusal.Other,
    };

    /// <summary>Whether AWS refuses until someone mends a permission, a key or a setting. These pass by themselves: the
    /// SDK renews expired credentials and corrects its clock; missing credentials may be a metadata service that does
    /// not answer; an archived object concerns that object alone.</summary>
    public static bool IsPermanent(Exception failure) =>
        failure is AmazonServiceException { Retryable: null } refused
        && (int)refused.StatusCode < 500
        && Of(refused) is not AwsRefusal.Other
        && ShortCode(refused) is not ("ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired"
            or "RequestExpired" or "RequestTimeTooSkewed" or "RequestInTheFuture" or "InvalidObjectState"
            or "TemporaryRedirect" or "Redirect" or "RequestLimitExceeded" or "KmsThrottled")
        && ShortCode(refused)?.Contains("Throttl", StringComparison.OrdinalIgnoreCase) != true;

    /// <summary>What is wrong, in one line.</summary>
    /// <param name="failure">What AWS or the SDK said.</param>
    /// <param name="operation">The permission that was tried: <c>sqs:SendMessage</c>.</param>
    /// <param name="region">The region of the call.</param>
    public static string Describe(Exception failure, string operation, string region) => Of(failure) switch
    {
        AwsRefusal.NoCredentials =>
            "no credentials were found: neither in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            + $"nor in a profile (AWS_PROFILE), nor from a role of this machine. {MetadataAdvice.ForCredentials}",
        AwsRefusal.BadCredentials => $"AWS does not take the credentials ({AwsFailure.Reason(failure)})",
        AwsRefusal.NoPermission => $"no permission for {operation} ({AwsFailure.Reason(failure)})",
        AwsRefusal.WrongRegion =>
            $"it is in another region than {region}, which {AwsSettings.RegionKey} gives "
            + $"({AwsFailure.Reason(failure)})",
        _ => $"{operation} failed ({AwsFailure.Reason(failure)})",
    };

    private static AwsRefusal Of(AmazonServiceException refused) => ShortCode(refused) switch
    {
        "InvalidClientTokenId" or "UnrecognizedClientException" or "InvalidAccessKeyId" or "SignatureDoesNotMatch"
            or "ExpiredToken" or "ExpiredTokenException" or "MissingAuthenticationToken" or "InvalidToken"
            or "InvalidSecurity" => AwsRefusal.BadCredentials,
        "PermanentRedirect" or "AuthorizationHeaderMalformed" or "TemporaryRedirect" or "Redirect"
            or "IllegalLocationConstraintException" => AwsRefusal.WrongRegion,
        "NoSuchBucket" or "QueueDoesNotExist" or "NonExistentQueue" => AwsRefusal.NotThere,
        // What a key of KMS refuses; most of it is no 403. Some services write KMS.DisabledException.
        "DisabledException" or "NotFoundException" or "KMSInvalidStateException" or "KmsInvalidState"
            or "InvalidKeyUsageException" or "KmsInvalidKeyUsage" or "KmsDisabled" or "KmsNotFound" or "KmsAccessDenied"
            or "KmsOptInRequired" or "OptInRequired" => AwsRefusal.NoPermission,
        _ when refused.StatusCode == HttpStatusCode.Forbidden => AwsRefusal.NoPermission,
        { } code when code.StartsWith("AccessDenied", StringComparison.Ordinal) => AwsRefusal.NoPermission,
        _ when refused.StatusCode == HttpStatusCode.MovedPermanently => AwsRefusal.WrongRegion,
        _ => AwsRefusal.Other,
    };

    // Some carry a namespace: AWS.SimpleQueueService.NonExistentQueue.
    private static string? ShortCode(AmazonServiceException refused) =>
        AwsFailure.CodeOf(refused) is { } code ? code[(code.LastIndexOf('.') + 1)..] : null;
}
