using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>Creates what the program needs on AWS, or adjusts it: two FIFO queues, each with a dead-letter queue, and
/// the bucket. It leaves correct resources alone, so it can run any number of times.</summary>
/// <remarks>It keeps objects, messages and other settings of the same resources.</remarks>
public sealed class AwsProvisioning(IAmazonSQS sqs, IAmazonS3 s3, AwsSettings settings)
{
    /// <summary>Runs it.</summary>
    /// <param name="dryRun">True to change nothing, and only report what it would do.</param>
    /// <param name="cancellation">Stops it. Changes made so far stay.</param>
    /// <returns>What was done, or would be, in order.</returns>
    /// <exception cref="IOException">AWS refused a call or could not be reached. What was done stays done.</exception>
    public async Task<IReadOnlyList<ProvisioningAction>> RunAsync(bool dryRun, CancellationToken cancellation)
    {
        var service = "SQS";
        try
        {
            var actions = new List<ProvisioningAction>();
            var queues = new QueueProvisioning(sqs, settings.KmsKey, dryRun);
            foreach (var queue in settings.Queues.All) actions.AddRange(await queues.RunAsync(queue, cancellation));
            service = "S3";
            actions.AddRange(
                await new BucketProvisioning(s3, settings.Bucket, settings.KmsKey, dryRun).RunAsync(cancellation));
            return actions;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw new IOException(AwsFailure.Describe(service, "provisioning", failure), failure);
        }
    }
}
