using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>Finds the queues of the settings.</summary>
public static class SqsQueueUrls
{
    /// <summary>The two queues of the settings. If the settings give no URL, SQS is asked for it.</summary>
    /// <exception cref="InvalidSettingException">The queue does not exist.</exception>
    /// <exception cref="QueueUnavailableException">SQS did not answer.</exception>
    public static async Task<QueuePair> OpenAsync(
        IAmazonSQS sqs, AwsQueuesSettings settings, AwsRequestCounter counter, CancellationToken cancellation) => new(
        new SqsMessageQueue(sqs, await FindAsync(sqs, settings.Requests, cancellation), counter),
        new SqsMessageQueue(sqs, await FindAsync(sqs, settings.Responses, cancellation), counter));

    /// <summary>One queue of the settings, and its dead-letter queue.</summary>
    /// <exception cref="InvalidSettingException">The queue does not exist.</exception>
    /// <exception cref="QueueUnavailableException">SQS did not answer.</exception>
    public static async Task<(SqsMessageQueue Queue, SqsMessageQueue DeadLetters)> OpenWithDeadLettersAsync(
        IAmazonSQS sqs, AwsQueueSettings settings, CancellationToken cancellation) => (
        new SqsMessageQueue(sqs, await FindAsync(sqs, settings, cancellation)),
        new SqsMessageQueue(sqs, await FindDeadLettersAsync(sqs, settings, cancellation)));

    /// <summary>The URL of a queue.</summary>
    /// <exception cref="InvalidSettingException">The queue does not exist.</exception>
    /// <exception cref="QueueUnavailableException">SQS did not answer.</exception>
    public static async Task<Uri> FindAsync(
        IAmazonSQS sqs, AwsQueueSettings settings, CancellationToken cancellation) =>
        settings.Url ?? await FindAsync(sqs, settings, settings.Name, cancellation);

    private static async Task<Uri> FindDeadLettersAsync(
        IAmazonSQS sqs, AwsQueueSettings settings, CancellationToken cancellation) =>
        settings.Url is { } url
            ? new Uri(url, settings.DeadLetterName)
            : await FindAsync(sqs, settings, settings.DeadLetterName, cancellation);

    private static async Task<Uri> FindAsync(
        IAmazonSQS sqs, AwsQueueSettings settings, string name, CancellationToken cancellation)
    {
        try
        {
            return await FindAsync(sqs, name, cancellation) ?? throw new InvalidSettingException(
                settings.Key, name,
                "there is no such queue for this account in this region (aws provision creates it)");
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw SqsFailure.Of("GetQueueUrl", failure);
        }
    }

    /// <summary>The URL of the queue with this name; null if there is none.</summary>
    internal static async Task<Uri?> FindAsync(IAmazonSQS sqs, string name, CancellationToken cancellation)
    {
        try
        {
            return new Uri((await sqs.GetQueueUrlAsync(name, cancellation)).QueueUrl);
        }
        catch (QueueDoesNotExistException)
        {
            return null;
        }
    }
}
