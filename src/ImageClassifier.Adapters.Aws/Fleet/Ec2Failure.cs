using Amazon.EC2;
using Amazon.Runtime;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>What EC2 answers instead of what was asked.</summary>
internal static class Ec2Failure
{
    /// <summary>Says whether a call failed for what EC2 or the way to it did, rather than by a fault of this
    /// program.</summary>
    /// <param name="failure">What the call threw.</param>
    /// <param name="cancellation">The caller's; cancelling it is no failure.</param>
    public static bool Is(Exception failure, CancellationToken cancellation) => failure switch
    {
        OperationCanceledException => !cancellation.IsCancellationRequested,
        AmazonServiceException or AmazonClientException or HttpRequestException or TimeoutException => true,
        IOException => true,
        _ => false,
    };

    /// <summary>A failure in one line: service, operation, code, and EC2's own sentence.</summary>
    public static string Describe(string operation, Exception failure) =>
        $"{Name(operation, failure)}: {failure.Message}";

    /// <summary>The same without EC2's own sentence, which may have the account, roles and networks in it.</summary>
    public static string Name(string operation, Exception failure) =>
        failure is AmazonEC2Exception { ErrorCode: { Length: > 0 } code }
            ? $"EC2 {operation} failed: {code}"
            : $"EC2 {operation} failed: {failure.GetType().Name}";

    /// <summary>The failure as the port's callers get it.</summary>
    public static IOException Of(string operation, Exception failure) => new(Describe(operation, failure), failure);
}
