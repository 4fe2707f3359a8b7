using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The two queues on SQS.</summary>
/// <param name="Requests">The queue of jobs.</param>
/// <param name="Responses">The queue of results.</param>
public sealed record AwsQueuesSettings(AwsQueueSettings Requests, AwsQueueSettings Responses)
{
    /// <summary>The setting of the request queue's name or URL.</summary>
    public const string RequestsKey = "image-classifier.aws.sqs.requests";

    /// <summary>The setting of the response queue's name or URL.</summary>
    public const string ResponsesKey = "image-classifier.aws.sqs.responses";

    /// <summary>Both queues, the request queue first.</summary>
    public IEnumerable<AwsQueueSettings> All => [Requests, Responses];
}

/// <summary>The settings of one queue on SQS.</summary>
public sealed record AwsQueueSettings
{
    private const string Suffix = ".fifo";
    private const int MaxNameLength = 80;

    /// <summary>Describes a queue.</summary>
    /// <param name="key">The setting that names the queue: <see cref="AwsQueuesSettings.RequestsKey"/>.</param>
    /// <param name="nameOrUrl">The name of a FIFO queue, or its URL.</param>
    /// <param name="leaseName">The name of <paramref name="lease"/> in messages: its setting, or words.</param>
    /// <param name="lease">How long a received message is hidden from other receivers: from 1 s to 12 h on SQS.</param>
    /// <param name="maxReceivesName">The name of a quarter of <paramref name="maxReceiveCount"/> in messages.</param>
    /// <param name="maxReceiveCount">The number of receives after which the queue moves a message to the dead-letter
    /// queue: from 1 to 1000.</param>
    /// <exception cref="InvalidSettingException">SQS does not allow the name.</exception>
    public AwsQueueSettings(
        string key, string? nameOrUrl, string leaseName, TimeSpan lease, string maxReceivesName, int maxReceiveCount)
    {
        Key = key;
        LeaseName = leaseName;
        MaxReceivesName = maxReceivesName;
        if (string.IsNullOrEmpty(nameOrUrl)) throw new InvalidSettingException(key, null, "a queue is needed");
        Url = nameOrUrl.Contains("://", StringComparison.Ordinal) ? UrlOf(nameOrUrl) : null;
        Name = Url is null ? nameOrUrl : Url.Segments[^1];
        if (!IsName(Name))
        {
            throw new InvalidSettingException(key, nameOrUrl,
                "a FIFO queue's name ends in .fifo, and has letters, digits, hyphens and underscores, 75 at most");
        }

        Lease = lease;
        MaxReceiveCount = maxReceiveCount;
    }

    /// <summary>The setting that names the queue.</summary>
    public string Key { get; }

    /// <summary>The name of the lease in messages.</summary>
    public string LeaseName { get; }

    /// <summary>The name of the number of tries in messages.</summary>
    public string MaxReceivesName { get; }

    /// <summary>The queue's name.</summary>
    public string Name { get; }

    /// <summary>The URL of the queue, if the settings give it; otherwise null, and SQS is asked.</summary>
    public Uri? Url { get; }

    /// <summary>The name of the dead-letter queue: <c>jobs-dead.fifo</c> for <c>jobs.fifo</c>.</summary>
    public string DeadLetterName => $"{Name[..^Suffix.Length]}-dead{Suffix}";

    /// <summary>How long a received message is hidden from other receivers.</summary>
    public TimeSpan Lease { get; }

    /// <summary>The number of receives after which the queue moves a message to the dead-letter queue.</summary>
    public int MaxReceiveCount { get; }

    private Uri UrlOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new InvalidSettingException(Key, text, "it is neither a queue's name nor its URL");

    // The name of the dead-letter queue is longer, and must also be allowed.
    private static bool IsName(string name) =>
        name.EndsWith(Suffix, StringComparison.Ordinal)
        && name.Length > Suffix.Length && name.Length + "-dead".Length <= MaxNameLength
        && name[..^Suffix.Length].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
