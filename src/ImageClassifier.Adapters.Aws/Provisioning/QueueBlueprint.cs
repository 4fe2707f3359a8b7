using System.Globalization;
using System.Text.Json;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>The wanted settings of a queue.</summary>
/// <param name="Name">The name of the queue.</param>
/// <param name="Attributes">The attributes, by SQS's names.</param>
internal sealed record QueueBlueprint(string Name, IReadOnlyDictionary<string, string> Attributes)
{
    // SQS's longest retention, because an accepted picture must not be lost.
    private const string Retention = "1209600";

    // Seconds for which SQS reuses a data key of KMS (its default is five minutes). AWS charges each call to KMS, for
    // each sender and receiver. A key that is turned off stops the messages only after this hour.
    private const string KeyReuse = "3600";

    /// <summary>The attributes that are compared.</summary>
    public static List<string> AttributeNames { get; } =
    [
        QueueAttributeName.FifoQueue, QueueAttributeName.DeduplicationScope, QueueAttributeName.FifoThroughputLimit,
        QueueAttributeName.ContentBasedDeduplication, QueueAttributeName.MessageRetentionPeriod,
        QueueAttributeName.DelaySeconds, QueueAttributeName.VisibilityTimeout, QueueAttributeName.RedrivePolicy,
        QueueAttributeName.QueueArn, QueueAttributeName.KmsMasterKeyId, QueueAttributeName.KmsDataKeyReusePeriodSeconds,
        QueueAttributeName.SqsManagedSseEnabled,
    ];

    /// <summary>The wanted dead-letter queue of a queue.</summary>
    /// <param name="settings">The settings of the queue.</param>
    /// <param name="kmsKey">The key that encrypts it; null for any.</param>
    public static QueueBlueprint DeadLettersOf(AwsQueueSettings settings, string? kmsKey) =>
        new(settings.DeadLetterName, Common(settings, kmsKey));

    /// <summary>The wanted queue.</summary>
    /// <param name="settings">The settings of the queue.</param>
    /// <param name="deadLettersArn">The ARN of its dead-letter queue.</param>
    /// <param name="kmsKey">The key that encrypts it; null for any.</param>
    public static QueueBlueprint Of(AwsQueueSettings settings, string deadLettersArn, string? kmsKey) =>
        new(settings.Name, new Dictionary<string, string>(Common(settings, kmsKey))
        {
            [QueueAttributeName.RedrivePolicy] =
                new RedrivePolicy(deadLettersArn, settings.MaxReceiveCount).ToJson(),
        });

    /// <summary>True if two values of an attribute mean the same.</summary>
    public static bool AreSame(string attribute, string? actual, string wanted) =>
        actual == wanted
        || (attribute == QueueAttributeName.RedrivePolicy
            && RedrivePolicy.Parse(actual) == RedrivePolicy.Parse(wanted))
        || (attribute == QueueAttributeName.KmsMasterKeyId && KmsKeys.AreSame(actual, wanted))
        // SQS omits it for a queue with a key of KMS.
        || (attribute == QueueAttributeName.SqsManagedSseEnabled && actual is null && wanted == "false");

    private static Dictionary<string, string> Common(AwsQueueSettings settings, string? kmsKey)
    {
        var attributes = Common(settings);
        if (kmsKey is null) return attributes;
        attributes[QueueAttributeName.KmsMasterKeyId] = kmsKey;
        attributes[QueueAttributeName.KmsDataKeyReusePeriodSeconds] = KeyReuse;
        attributes[QueueAttributeName.SqsManagedSseEnabled] = "false";
        return attributes;
    }

    // High throughput: order, deduplication and limits apply to each message group alone.
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

/// <summary>The dead-letter queue for messages that were received too often.</summary>
/// <param name="DeadLettersArn">The dead-letter queue.</param>
/// <param name="MaxReceiveCount">The number of receives after which SQS moves a message there.</param>
internal sealed record RedrivePolicy(string DeadLettersArn, int MaxReceiveCount)
{
    /// <summary>The name of the dead-letter queue.</summary>
    public string DeadLettersName => DeadLettersArn[(DeadLettersArn.LastIndexOf(':') + 1)..];

    /// <summary>Reads the attribute; null if it is missing or malformed.</summary>
    public static RedrivePolicy? Parse(string? json)
    {
        if (string.IsNullOrEmpty(json)) return null;
        try
        {
            using var document = JsonDocument.Parse(json);
            var count = document.RootElement.GetProperty("maxReceiveCount");
            // SQS returns the number in the form in which it was set: a number or a text.
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
