using System.Globalization;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks the attributes of a queue.</summary>
/// <param name="settings">The expected settings.</param>
/// <param name="kmsKey">The expected encryption key; null for any.</param>
/// <param name="attributes">The actual attributes, by SQS's names.</param>
internal sealed class QueueAttributeCheck(
    AwsQueueSettings settings, string? kmsKey, IReadOnlyDictionary<string, string> attributes)
{
    private const string ProvisionHelps = "aws provision sets it";

    /// <summary>The queue's redrive policy; null if it has no dead-letter queue.</summary>
    public RedrivePolicy? Redrive { get; } =
        RedrivePolicy.Parse(attributes.GetValueOrDefault(QueueAttributeName.RedrivePolicy));

    /// <summary>One finding for each problem; a single good finding if there is none.</summary>
    public IEnumerable<CheckFinding> Findings(string subject) => Problems()
        .Select(problem => CheckFinding.Problem(subject, problem))
        .DefaultIfEmpty(CheckFinding.Good(subject, "it is as it should be"));

    private IEnumerable<string> Problems() => attributes.GetValueOrDefault(QueueAttributeName.FifoQueue) == "true"
        ? [.. ThroughputProblems(), .. TimeoutProblems(), .. RedriveProblems(), .. KeyProblems()]
        : [$"it is not a FIFO queue and cannot become one; set {settings.Key} to a FIFO queue"];

    private IEnumerable<string> ThroughputProblems() =>
        from wanted in new[]
        {
            (Name: QueueAttributeName.DeduplicationScope.Value, Value: "messageGroup"),
            (Name: QueueAttributeName.FifoThroughputLimit.Value, Value: "perMessageGroupId"),
        }
        let actual = attributes.GetValueOrDefault(wanted.Name) ?? "(not set)"
        where actual != wanted.Value
        select $"{wanted.Name} is {actual} and must be {wanted.Value}, or the queue is slow under load; "
            + ProvisionHelps;

    private IEnumerable<string> TimeoutProblems()
    {
        var timeout = attributes.GetValueOrDefault(QueueAttributeName.VisibilityTimeout);
        if (int.TryParse(timeout, CultureInfo.InvariantCulture, out var seconds)
            && seconds < settings.Lease.TotalSeconds)
        {
            yield return $"its visibility timeout is {seconds} s, shorter than {settings.LeaseName} = "
                + $"{settings.Lease.TotalSeconds} s; {ProvisionHelps}";
        }
    }

    private IEnumerable<string> RedriveProblems()
    {
        if (Redrive is null)
        {
            yield return $"it has no dead-letter queue, so a message that fails is tried for ever; {ProvisionHelps}";
        }
        else if (Redrive.MaxReceiveCount < settings.MaxReceiveCount)
        {
            yield return $"its maxReceiveCount is {Redrive.MaxReceiveCount} and must be {settings.MaxReceiveCount} at "
                + $"least, four times {settings.MaxReceivesName}, or messages whose nodes died go untried; "
                + ProvisionHelps;
        }
    }

    private IEnumerable<string> KeyProblems()
    {
        var actual = attributes.GetValueOrDefault(QueueAttributeName.KmsMasterKeyId);
        if (kmsKey is not null && !KmsKeys.AreSame(actual, kmsKey))
        {
            yield return $"it is encrypted with {KmsKeys.Show(actual)} and not with {AwsSettings.KmsKeyKey} = "
                + $"{kmsKey}; {ProvisionHelps}";
        }
    }
}
