using System.Net.Sockets;
using Amazon.Runtime;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Recognises and describes failed calls to AWS.</summary>
internal static class AwsFailure
{
    /// <summary>True for an exception of the service, the SDK or the network; false if the caller cancelled, or if this
    /// program has a bug.</summary>
    public static bool Is(Exception failure, CancellationToken callers) => failure switch
    {
        AmazonServiceException or AmazonClientException => true,
        HttpRequestException or IOException or SocketException or TimeoutException => true,
        OperationCanceledException => !callers.IsCancellationRequested,
        _ => false,
    };

    /// <summary>One line with the service, the operation and the error's code. AWS's message names resources and
    /// identities, but no secrets.</summary>
    public static string Describe(string service, string operation, Exception failure) =>
        $"{service} {operation} failed: {Reason(failure)}";

    /// <summary>The failure as an exception of the ports.</summary>
    public static IOException AsIOException(string service, string operation, Exception failure) =>
        new(Describe(service, operation, failure), failure);

    /// <summary>The error's code and message, and what to do if that is known.</summary>
    public static string Reason(Exception failure) => AwsRefusals.Of(failure) == AwsRefusal.NoCredentials
        ? $"{TextOf(failure)} {MetadataAdvice.ForCredentials}"
        : TextOf(failure);

    private static string TextOf(Exception failure) => failure switch
    {
        AmazonServiceException { ErrorCode: { Length: > 0 } code } known => $"{code}: {OneLine(known.Message)}",
        AmazonServiceException unknown => $"HTTP {(int)unknown.StatusCode}: {OneLine(unknown.Message)}",
        OperationCanceledException => "no answer in time",
        _ => OneLine(failure.Message),
    };

    /// <summary>The error's code; null if the service gave none.</summary>
    public static string? CodeOf(Exception failure) =>
        failure is AmazonServiceException { ErrorCode: { Length: > 0 } code } ? code : null;

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
