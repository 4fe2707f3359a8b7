using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>Creates queues and adjusts them.</summary>
internal sealed class QueueProvisioning(IAmazonSQS sqs, string? kmsKey, bool dryRun)
{
    /// <summary>A queue and, before it, its dead-letter queue.</summary>
    public async Task<IReadOnlyList<ProvisioningAction>> RunAsync(
        AwsQueueSettings settings, CancellationToken cancellation)
    {
        var (deadLetters, arn) = await EnsureAsync(QueueBlueprint.DeadLettersOf(settings, kmsKey), cancellation);
        var (queue, _) = await EnsureAsync(QueueBlueprint.Of(settings, arn, kmsKey), cancellation);
        return [deadLetters, queue];
    }

    private async Task<(ProvisioningAction Action, string Arn)> EnsureAsync(
        QueueBlueprint wanted, CancellationToken cancellation)
    {
        var resource = $"queue {wanted.Name}";
        var url = await SqsQueueUrls.FindAsync(sqs, wanted.Name, cancellation);
        if (url is null)
        {
            var created = new ProvisioningAction(resource, ProvisioningActionKind.Created);
            return (created, dryRun ? $"(of {wanted.Name})" : await CreateAsync(wanted, cancellation));
        }

        var actual = await AttributesAsync(url.ToString(), cancellation);
        var differences = wanted.Attributes
            .Where(attribute => !QueueBlueprint.AreSame(
                attribute.Key, actual.GetValueOrDefault(attribute.Key), attribute.Value))
            .ToDictionary();
        var arn = actual[QueueAttributeName.QueueArn];
        if (differences.Count == 0) return (new ProvisioningAction(resource, ProvisioningActionKind.Unchanged), arn);

        // One call sets all attributes that differ, because those of high throughput depend on each other.
        if (!dryRun) await sqs.SetQueueAttributesAsync(url.ToString(), differences, cancellation);
        var detail = string.Join(", ", differences.Select(difference =>
            $"{difference.Key} from {actual.GetValueOrDefault(difference.Key) ?? "(not set)"} to {difference.Value}"));
        return (new ProvisioningAction(resource, ProvisioningActionKind.Changed, detail), arn);
    }

    private async Task<string> CreateAsync(QueueBlueprint wanted, CancellationToken cancellation)
    {
        var request = new CreateQueueRequest(wanted.Name) { Attributes = new(wanted.Attributes) };
        // Only for a new queue: an existing queue keeps its key.
        if (kmsKey is null) request.Attributes[QueueAttributeName.SqsManagedSseEnabled] = "true";
        var created = await sqs.CreateQueueAsync(request, cancellation);
        return (await AttributesAsync(created.QueueUrl, cancellation))[QueueAttributeName.QueueArn];
    }

    private async Task<Dictionary<string, string>> AttributesAsync(string url, CancellationToken cancellation)
    {
        var request = new GetQueueAttributesRequest(url, QueueBlueprint.AttributeNames);
        return (await sqs.GetQueueAttributesAsync(request, cancellation)).Attributes ?? [];
    }
}
