using System.Net;
using Amazon.Runtime;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The kinds of AWS refusals that a check distinguishes.</summary>
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
        // The SDK's own exception without a network error: it found no credentials.
        AmazonClientException
        {
            InnerException: not (HttpRequestException or IOException or OperationCanceledException),
        } => AwsRefusal.NoCredentials,
        _ => AwsRefusal.Other,
    };

    /// <summary>True if AWS refuses until somebody corrects a permission, a key or a setting. Not permanent are:
    /// expired credentials and a wrong clock, which the SDK corrects; missing credentials, because the metadata service
    /// may answer later; and an archived object, because other objects are not affected.</summary>
    public static bool IsPermanent(Exception failure) =>
        failure is AmazonServiceException { Retryable: null } refused
        && (int)refused.StatusCode < 500
        && Of(refused) is not AwsRefusal.Other
        && ShortCode(refused) is not ("ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired"
            or "RequestExpired" or "RequestTimeTooSkewed" or "RequestInTheFuture" or "InvalidObjectState"
            or "TemporaryRedirect" or "Redirect" or "RequestLimitExceeded" or "KmsThrottled")
        && ShortCode(refused)?.Contains("Throttl", StringComparison.OrdinalIgnoreCase) != true;

    /// <summary>The cause in one line.</summary>
    /// <param name="failure">The exception of AWS or the SDK.</param>
    /// <param name="operation">The permission of the call, such as <c>sqs:SendMessage</c>.</param>
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
        // Refusals by a key of KMS. Most have another status than 403. Some services write KMS.DisabledException.
        "DisabledException" or "NotFoundException" or "KMSInvalidStateException" or "KmsInvalidState"
            or "InvalidKeyUsageException" or "KmsInvalidKeyUsage" or "KmsDisabled" or "KmsNotFound" or "KmsAccessDenied"
            or "KmsOptInRequired" or "OptInRequired" => AwsRefusal.NoPermission,
        _ when refused.StatusCode == HttpStatusCode.Forbidden => AwsRefusal.NoPermission,
        { } code when code.StartsWith("AccessDenied", StringComparison.Ordinal) => AwsRefusal.NoPermission,
        _ when refused.StatusCode == HttpStatusCode.MovedPermanently => AwsRefusal.WrongRegion,
        _ => AwsRefusal.Other,
    };

    // Some codes have a namespace: AWS.SimpleQueueService.NonExistentQueue.
    private static string? ShortCode(AmazonServiceException refused) =>
        AwsFailure.CodeOf(refused) is { } code ? code[(code.LastIndexOf('.') + 1)..] : null;
}
