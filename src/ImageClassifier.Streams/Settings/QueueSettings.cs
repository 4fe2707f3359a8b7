using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>The lease settings of both queues, for both tiers and both environments.</summary>
/// <param name="Requests">The queue of jobs.</param>
/// <param name="Responses">The queue of results.</param>
public sealed record QueueSettings(QueueLeaseSettings Requests, QueueLeaseSettings Responses)
{
    /// <summary>Reads <c>image-classifier.queues</c>.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static QueueSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.queues");
        return new QueueSettings(
            QueueLeaseSettings.Create(section.Section("requests")),
            QueueLeaseSettings.Create(section.Section("responses")));
    }
}

/// <summary>The lease settings of one queue.</summary>
/// <param name="Lease">How long a received message is hidden from other receivers. Renewed while it is worked
/// on.</param>
/// <param name="MaxReceives">A message that was received more often is given up if its next try fails too.</param>
/// <param name="MaxLease">The longest time for which its lease is renewed.</param>
public sealed record QueueLeaseSettings(TimeSpan Lease, int MaxReceives, TimeSpan MaxLease)
{
    // A program that dies uses up a receive of each message it holds. So the queue allows more receives than tries.
    private const int ReceivesForEachTry = 4;

    // The limits of SQS: its longest visibility timeout, and its highest receive count.
    private static readonly TimeSpan LongestLease = TimeSpan.FromHours(12);
    private const int MostReceives = 1000 / ReceivesForEachTry;

    /// <summary>After this many receives the queue moves a message to the dead-letter queue.</summary>
    public int MaxReceiveCount => MaxReceives * ReceivesForEachTry;

    internal static QueueLeaseSettings Create(SettingsSection section)
    {
        var lease = section.Duration("lease", TimeSpan.FromSeconds(1), LongestLease);
        return new QueueLeaseSettings(
            lease,
            section.WholeNumber("max-receives", 1, MostReceives),
            section.Duration("max-lease", lease, LongestLease));
    }
}
