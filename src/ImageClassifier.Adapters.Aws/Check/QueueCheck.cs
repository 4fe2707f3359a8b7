using System.Globalization;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;
using ImageClassifier.Adapters.Aws.Queues;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Looks at one queue. It takes no message and leaves none: permissions are tried with calls that are wrong in
/// themselves, which AWS refuses otherwise where they are not even allowed.</summary>
internal sealed class QueueCheck(IAmazonSQS sqs, AwsQueueSettings settings, string region)
{
    private const string NoReceipt = "no-receipt";
    private const string ProvisionHelps = "aws provision sets it";

    private string Subject => $"queue {settings.Name}";

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(CancellationToken cancellation)
    {
        Uri? url;
        try
        {
            url = settings.Url ?? await SqsQueueUrls.FindAsync(sqs, settings.Name, cancellation);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return [Refused(failure, "sqs:GetQueueUrl")];
        }

        if (url is null) return [NotThere()];
        try
        {
            var request = new GetQueueAttributesRequest(url.ToString(), QueueBlueprint.AttributeNames);
            var attributes = (await sqs.GetQueueAttributesAsync(request, cancellation)).Attributes ?? [];
            var problems = AttributeProblems(attributes).ToList();
            problems.AddRange(await RedriveProblemsAsync(attributes, cancellation));
            var refused = await PermissionProblemsAsync(url.ToString(), cancellation);
            return
            [
                .. problems.Count > 0 ? problems : [CheckFinding.Good(Subject, "it is as it should be")],
                .. refused.Count > 0
                    ? refused
                    : [CheckFinding.Good(Subject, "it may be sent to, received from, deleted from and extended")],
            ];
        }
        catch (QueueDoesNotExistException)
        {
            return [NotThere()];
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return [Refused(failure, "sqs:GetQueueAttributes")];
        }
    }

    private IEnumerable<CheckFinding> AttributeProblems(Dictionary<string, string> attributes)
    {
        if (attributes.GetValueOrDefault(QueueAttributeName.FifoQueue) != "true")
        {
            yield return Problem($"it is no FIFO queue; {settings.Key} must name one, which cannot be made of another");
            yield break;
        }

        foreach (var (name, wanted) in new[]
        {
            (QueueAttributeName.DeduplicationScope.Value, "messageGroup"),
            (QueueAttributeName.FifoThroughputLimit.Value, "perMessageGroupId"),
        })
        {
            var actual = attributes.GetValueOrDefault(name) ?? "(not set)";
            if (actual == wanted) continue;
            yield return Problem(
                $"{name} is {actual} and must be {wanted}, or the queue is slow under load; {ProvisionHelps}");
        }

        var timeout = attributes.GetValueOrDefault(QueueAttributeName.VisibilityTimeout);
        if (int.TryParse(timeout, CultureInfo.InvariantCulture, out var seconds)
            && seconds < settings.Lease.TotalSeconds)
        {
            yield return Problem(
                $"its visibility timeout is {seconds} s, shorter than {settings.LeaseKey} = "
                + $"{settings.Lease.TotalSeconds} s; {ProvisionHelps}");
        }
    }

    private async Task<IReadOnlyList<CheckFinding>> RedriveProblemsAsync(
        Dictionary<string, string> attributes, CancellationToken cancellation)
    {
        if (RedrivePolicy.Parse(attributes.GetValueOrDefault(QueueAttributeName.RedrivePolicy)) is not { } policy)
        {
            return
            [
                Problem($"it has no dead-letter queue, so a message that fails is tried for ever; {ProvisionHelps}"),
            ];
        }

        var problems = new List<CheckFinding>();
        if (policy.MaxReceiveCount < settings.MaxReceiveCount)
        {
            problems.Add(Problem(
                $"its maxReceiveCount is {policy.MaxReceiveCount} and must be {settings.MaxReceiveCount} at least, four "
                + $"times {settings.MaxReceivesKey}, or messages whose nodes died go untried; {ProvisionHelps}"));
        }

        var deadLetters = policy.DeadLettersArn[(policy.DeadLettersArn.LastIndexOf(':') + 1)..];
        if (await SqsQueueUrls.FindAsync(sqs, deadLetters, cancellation) is null)
            problems.Add(Problem($"its dead-letter queue {deadLetters} is not there; aws provision creates it"));
        return problems;
    }

    private async Task<IReadOnlyList<CheckFinding>> PermissionProblemsAsync(string url, CancellationToken cancellation)
    {
        (string Permission, Func<Task> Try)[] tries =
        [
            // Without a message group, which every message of a FIFO queue needs.
            ("sqs:SendMessage", () => sqs.SendMessageBatchAsync(
                new SendMessageBatchRequest(url, [new SendMessageBatchRequestEntry("0", "check")]), cancellation)),
            ("sqs:ReceiveMessage", () => sqs.ReceiveMessageAsync(
                new ReceiveMessageRequest(url) { MaxNumberOfMessages = 11, WaitTimeSeconds = 0 }, cancellation)),
            ("sqs:DeleteMessage", () => sqs.DeleteMessageBatchAsync(
                new DeleteMessageBatchRequest(url, [new DeleteMessageBatchRequestEntry("0", NoReceipt)]),
                cancellation)),
            ("sqs:ChangeMessageVisibility", () => sqs.ChangeMessageVisibilityBatchAsync(
                new ChangeMessageVisibilityBatchRequest(
                    url, [new ChangeMessageVisibilityBatchRequestEntry("0", NoReceipt) { VisibilityTimeout = 0 }]),
                cancellation)),
        ];
        var problems = new List<CheckFinding>();
        foreach (var (permission, tryIt) in tries)
        {
            try
            {
                await tryIt();
            }
            catch (Exception failure) when (
                AwsFailure.Is(failure, cancellation) && AwsRefusals.Of(failure) == AwsRefusal.NoPermission)
            {
                problems.Add(Refused(failure, permission));
            }
            catch (AmazonSQSException)
            {
                // The call is wrong in itself, and allowed.
            }
        }

        return problems;
    }

    private CheckFinding NotThere() => Problem(
        $"there is no such queue for this account in region {region} ({settings.Key}); aws provision creates it");

    private CheckFinding Refused(Exception failure, string operation) =>
        Problem(AwsRefusals.Describe(failure, operation, region));

    private CheckFinding Problem(string text) => CheckFinding.Problem(Subject, text);
}
