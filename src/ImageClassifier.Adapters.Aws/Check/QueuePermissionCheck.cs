using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Tries a role's calls on a queue with malformed requests, so that it takes no message and leaves none. SQS's
/// answer tells "malformed" from "not allowed".</summary>
internal sealed class QueuePermissionCheck(IAmazonSQS sqs, string region)
{
    private const string NoReceipt = "no-receipt";

    /// <summary>One finding for each missing permission; a single good finding if none is missing.</summary>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(
        string subject, Uri url, QueueUse use, CancellationToken cancellation)
    {
        var problems = new List<CheckFinding>();
        foreach (var (permission, tryIt) in Tries(url.ToString(), use, cancellation))
        {
            try
            {
                await tryIt();
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation) && !IsForMalformedRequest(failure))
            {
                // The caller reports a missing queue.
                if (failure is QueueDoesNotExistException) throw;
                problems.Add(CheckFinding.Problem(subject, AwsRefusals.Describe(failure, permission, region)));
            }
            catch (AmazonSQSException)
            {
                // SQS calls it malformed, so it is allowed.
            }
        }

        if (problems.Count > 0) return problems;
        return (use & (QueueUse.Send | QueueUse.Receive)) switch
        {
            QueueUse.Send => [CheckFinding.Good(subject, "it may be sent to")],
            QueueUse.Receive => [CheckFinding.Good(subject, "it may be received from, deleted from and extended")],
            _ => [],
        };
    }

    private static bool IsForMalformedRequest(Exception failure) =>
        failure is AmazonSQSException refused
        && (int)refused.StatusCode < 500
        && AwsRefusals.Of(refused) == AwsRefusal.Other;

    private IEnumerable<(string Permission, Func<Task> Try)> Tries(
        string url, QueueUse use, CancellationToken cancellation)
    {
        if (use.HasFlag(QueueUse.Send))
        {
            // Without a message group, which every message of a FIFO queue needs.
            yield return ("sqs:SendMessage", () => sqs.SendMessageBatchAsync(
                new SendMessageBatchRequest(url, [new SendMessageBatchRequestEntry("0", "check")]), cancellation));
        }

        if (!use.HasFlag(QueueUse.Receive)) yield break;
        yield return ("sqs:ReceiveMessage", () => sqs.ReceiveMessageAsync(
            new ReceiveMessageRequest(url) { MaxNumberOfMessages = 11, WaitTimeSeconds = 0 }, cancellation));
        yield return ("sqs:DeleteMessage", () => sqs.DeleteMessageBatchAsync(
            new DeleteMessageBatchRequest(url, [new DeleteMessageBatchRequestEntry("0", NoReceipt)]), cancellation));
        yield return ("sqs:ChangeMessageVisibility", () => sqs.ChangeMessageVisibilityBatchAsync(
            new ChangeMessageVisibilityBatchRequest(
                url, [new ChangeMessageVisibilityBatchRequestEntry("0", NoReceipt) { VisibilityTimeout = 0 }]),
            cancellation));
    }
}
