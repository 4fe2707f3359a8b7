using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>How both queues treat a received message. Both tiers and both environments take it from here.</summary>
/// <param name="Requests">The queue of jobs.</param>
/// <param name="Responses">The queue of results.</param>
public sealed record QueueSettings(QueueLeaseSettings Requests, QueueLeaseSettings Responses)
{
    /// <summary>Reads <c>image-classifier.queues</c>.</summary>
    /// <exception cref="InvalidSettingException">A value is not usable.</exception>
    public static QueueSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.queues");
        return new QueueSettings(
            QueueLeaseSettings.Create(section.Section("requests")),
            QueueLeaseSettings.Create(section.Section("responses")));
    }
}

/// <summary>How one queue treats a received message.</summary>
/// <param name="Lease">How long it is hidden from others; renewed while it is worked on.</param>
/// <param name="MaxReceives">A message received more often is given up where its next try comes to nothing too.</param>
/// <param name="MaxLease">For how long its lease is renewed at most.</param>
public sealed record QueueLeaseSettings(TimeSpan Lease, int MaxReceives, TimeSpan MaxLease)
{
    // A program that dies spends a receive of all that it holds, so the queue allows more receives than tries.
    private const int ReceivesForEachTry = 4;

    // SQS knows no longer visibility timeout, and no receive count above 1000.
    private static readonly TimeSpan LongestLease = TimeSpan.FromHours(12);
    private const int MostReceives = 1000 / ReceivesForEachTry;

    /// <summary>How often the queue hands a message out before it moves it to the dead letters.</summary>
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
