using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;
using ImageClassifier.Adapters.Aws.Queues;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks a queue and its dead-letter queue, as far as a role uses them.</summary>
internal sealed class QueueCheck(IAmazonSQS sqs, string? kmsKey, string region)
{
    private readonly QueuePermissionCheck _permissions = new(sqs, region);

    /// <param name="settings">The expected settings of the queue.</param>
    /// <param name="use">The role's calls on the queue.</param>
    /// <param name="deadLettersUse">The role's calls on the dead-letter queue.</param>
    /// <param name="cancellation">Cancels the check.</param>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(
        AwsQueueSettings settings, QueueUse use, QueueUse deadLettersUse, CancellationToken cancellation)
    {
        var subject = $"queue {settings.Name}";
        var findings = new List<CheckFinding>();
        var deadLetters = settings.DeadLetterName;
        var hasDeadLetters = true;
        try
        {
            var url = settings.Url ?? await SqsQueueUrls.FindAsync(sqs, settings.Name, cancellation);
            if (url is null) return [NotThere(subject, settings.Key)];
            if (!use.HasFlag(QueueUse.ReadAttributes))
            {
                findings.Add(CheckFinding.NotChecked(subject, "its attributes, because this role need not see them"));
            }
            else if (await AttributesAsync(subject, url, cancellation) is var (attributes, refusal) && refusal is not null)
            {
                findings.Add(refusal);
            }
            else
            {
                var check = new QueueAttributeCheck(settings, kmsKey, attributes);
                findings.AddRange(check.Findings(subject));
                hasDeadLetters = check.Redrive is not null;
                deadLetters = check.Redrive?.DeadLettersName ?? deadLetters;
            }

            findings.AddRange(await _permissions.RunAsync(subject, url, use, cancellation));
        }
        catch (QueueDoesNotExistException)
        {
            return [NotThere(subject, settings.Key)];
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return [CheckFinding.Problem(subject, AwsRefusals.Describe(failure, "sqs:GetQueueUrl", region))];
        }

        if (hasDeadLetters)
            findings.AddRange(await DeadLettersAsync(settings, deadLetters, deadLettersUse, cancellation));
        return findings;
    }

    private async Task<IReadOnlyList<CheckFinding>> DeadLettersAsync(
        AwsQueueSettings settings, string name, QueueUse use, CancellationToken cancellation)
    {
        var subject = $"queue {name}";
        if (use == QueueUse.None)
            return [CheckFinding.NotChecked(subject, "this role does not use the dead letters")];
        try
        {
            var url = settings.Url is { } main
                ? new Uri(main, name)
                : await SqsQueueUrls.FindAsync(sqs, name, cancellation);
            if (url is null) return [NoDeadLetters(subject, settings)];
            var findings = new List<CheckFinding>();
            if (use.HasFlag(QueueUse.ReadAttributes))
            {
                var (_, refusal) = await AttributesAsync(subject, url, cancellation);
                findings.Add(refusal ?? CheckFinding.Good(subject, "it is there"));
            }

            findings.AddRange(await _permissions.RunAsync(subject, url, use, cancellation));
            return findings;
        }
        catch (QueueDoesNotExistException)
        {
            return [NoDeadLetters(subject, settings)];
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return [CheckFinding.Problem(subject, AwsRefusals.Describe(failure, "sqs:GetQueueUrl", region))];
        }
    }

    private async Task<(Dictionary<string, string> Attributes, CheckFinding? Refusal)> AttributesAsync(
        string subject, Uri url, CancellationToken cancellation)
    {
        try
        {
            var request = new GetQueueAttributesRequest(url.ToString(), QueueBlueprint.AttributeNames);
            return ((await sqs.GetQueueAttributesAsync(request, cancellation)).Attributes ?? [], null);
        }
        catch (Exception failure) when (
            AwsFailure.Is(failure, cancellation) && failure is not QueueDoesNotExistException)
        {
            var text = AwsRefusals.Describe(failure, "sqs:GetQueueAttributes", region);
            return ([], CheckFinding.Problem(subject, text));
        }
    }

    private static CheckFinding NoDeadLetters(string subject, AwsQueueSettings settings) => CheckFinding.Problem(
        subject, $"the dead-letter queue of {settings.Name} is not there; aws provision creates it");

    private CheckFinding NotThere(string subject, string key) => CheckFinding.Problem(
        subject, $"there is no such queue for this account in region {region} ({key}); aws provision creates it");
}
