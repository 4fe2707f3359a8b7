using System.Globalization;
using System.Text.Json;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>How a queue should be.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Attributes">Its attributes, by the names that SQS has for them.</param>
internal sealed record QueueBlueprint(string Name, IReadOnlyDictionary<string, string> Attributes)
{
    // Messages are kept for as long as SQS can: an accepted picture is never lost.
    private const string Retention = "1209600";

    /// <summary>The attributes that are looked at.</summary>
    public static List<string> AttributeNames { get; } =
    [
        QueueAttributeName.FifoQueue, QueueAttributeName.DeduplicationScope, QueueAttributeName.FifoThroughputLimit,
        QueueAttributeName.ContentBasedDeduplication, QueueAttributeName.MessageRetentionPeriod,
        QueueAttributeName.DelaySeconds, QueueAttributeName.VisibilityTimeout, QueueAttributeName.RedrivePolicy,
        QueueAttributeName.QueueArn,
    ];

    /// <summary>A queue's dead-letter queue.</summary>
    public static QueueBlueprint DeadLettersOf(AwsQueueSettings settings) =>
        new(settings.DeadLetterName, Common(settings));

    /// <summary>A queue.</summary>
    /// <param name="settings">Which.</param>
    /// <param name="deadLettersArn">Its dead-letter queue.</param>
    public static QueueBlueprint Of(AwsQueueSettings settings, string deadLettersArn) =>
        new(settings.Name, new Dictionary<string, string>(Common(settings))
        {
            [QueueAttributeName.RedrivePolicy] =
                new RedrivePolicy(deadLettersArn, settings.MaxReceiveCount).ToJson(),
        });

    /// <summary>Whether two values of an attribute mean the same.</summary>
    public static bool AreSame(string attribute, string? actual, string wanted) =>
        actual == wanted
        || (attribute == QueueAttributeName.RedrivePolicy
            && RedrivePolicy.Parse(actual) == RedrivePolicy.Parse(wanted));

    // High throughput: order and deduplication within a message group, and each group for itself.
    private static Dictionary<string, string> Common(AwsQueueSettings settings) => new()
    {
        [QueueAttributeName.FifoQueue] = "true",
        [QueueAttributeName.DeduplicationScope] = "messageGroup",
        [QueueAttributeName.FifoThroughputLimit] = "perMessageGroupId",
        [QueueAttributeName.ContentBasedDeduplication] = "false",
        [QueueAttributeName.DelaySeconds] = "0",
        [QueueAttributeName.MessageRetentionPeriod] = Retention,
        [QueueAttributeName.VisibilityTimeout] =
            Math.Ceiling(settings.Lease.TotalSeconds).ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>Where messages go that were received too often.</summary>
/// <param name="DeadLettersArn">The dead-letter queue.</param>
/// <param name="MaxReceiveCount">How often is not too often.</param>
internal sealed record RedrivePolicy(string DeadLettersArn, int MaxReceiveCount)
{
    /// <summary>Reads the attribute; null where there is none, or none that can be read.</summary>
    public static RedrivePolicy? Parse(string? json)
    {
        if (string.IsNullOrEmpty(json)) return null;
        try
        {
            using var document = JsonDocument.Parse(json);
            var count = document.RootElement.GetProperty("maxReceiveCount");
            // SQS answers with what it was given: a number, or its digits as text.
            return new RedrivePolicy(
                document.RootElement.GetProperty("deadLetterTargetArn").GetString() ?? "",
                count.ValueKind == JsonValueKind.Number
                    ? count.GetInt32()
                    : int.Parse(count.GetString() ?? "", CultureInfo.InvariantCulture));
        }
        catch (Exception failure) when (
            failure is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Writes the attribute.</summary>
    public string ToJson() =>
        $$"""{"deadLetterTargetArn":"{{DeadLettersArn}}","maxReceiveCount":{{MaxReceiveCount}}}""";
}
