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
        var requests = QueueLeaseSettings.Create(section.Section("requests"));
        return new QueueSettings(requests, QueueLeaseSettings.OfResponses(requests));
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

    // A stuck message comes free in the end. Far more leases than a slow job needs, so no operator has to tune it.
    private const int MostLeases = 20;
    private static readonly TimeSpan ShortestMaxLease = TimeSpan.FromMinutes(10);

    // A result costs no work. The web tier stores it within seconds, and a web tier that died loses no more time.
    private static readonly TimeSpan LongestResponseLease = TimeSpan.FromSeconds(30);

    // A store that is away for some minutes uses up receives, and a result must survive that.
    private const int MaxReceivesOfResponses = 20;

    /// <summary>After this many receives the queue moves a message to the dead-letter queue.</summary>
    public int MaxReceiveCount => MaxReceives * ReceivesForEachTry;

    internal static QueueLeaseSettings Create(SettingsSection section)
    {
        var lease = section.Duration("lease", TimeSpan.FromSeconds(1), LongestLease);
        return new QueueLeaseSettings(
            lease,
            section.WholeNumber("max-receives", 1, MostReceives),
            Min(LongestLease, Max(ShortestMaxLease, MostLeases * lease)));
    }

    /// <summary>The constants of the queue of results. A deployment with a shorter lease of jobs wants results back as
    /// soon, so its lease counts there too.</summary>
    internal static QueueLeaseSettings OfResponses(QueueLeaseSettings requests) => new(
        Min(requests.Lease, LongestResponseLease), MaxReceivesOfResponses, ShortestMaxLease);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
