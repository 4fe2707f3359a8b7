using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Streams;

/// <summary>How a queue is polled.</summary>
/// <param name="WaitTime">How long a poll waits for the first message; at most 20 s.</param>
/// <param name="Lease">How long a received message is hidden from other receivers. Renewed while it is in hand.</param>
/// <param name="MaxLease">The longest time for which a message is held, from its receipt.</param>
/// <param name="MaxInFlight">The credits: the most messages in hand, from receive to release.</param>
/// <param name="MinBackoff">The pause after the first failed poll. It doubles, with jitter.</param>
/// <param name="MaxBackoff">The longest pause after a failed poll.</param>
public sealed record QueueSourceSettings(
    TimeSpan WaitTime,
    TimeSpan Lease,
    TimeSpan MaxLease,
    int MaxInFlight,
    TimeSpan MinBackoff,
    TimeSpan MaxBackoff)
{
    // The port's limit, which every queue supports.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    // Enough for a poll for ten while the stream works on ten.
    private const int FewestInFlight = 2 * IMessageQueue.MaxBatch;
    private const int MostInFlight = 10_000;

    /// <summary>The pause after the first failed poll: most failures are over at the next call.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause after a failed poll. An idle queue is polled as often, so a failing one costs no
    /// more; work goes on soon after the queue is back.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Reads the settings.</summary>
    /// <param name="polling">The settings of the poller: <c>wait-time</c>, <c>max-in-flight</c>.</param>
    /// <param name="queue">The lease settings of the queue.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong.</exception>
    public static QueueSourceSettings Create(SettingsSection polling, QueueLeaseSettings queue) => new(
        polling.Duration("wait-time", TimeSpan.Zero, LongestWait),
        queue.Lease,
        queue.MaxLease,
        polling.WholeNumber("max-in-flight", FewestInFlight, MostInFlight),
        FirstPause,
        LongestPause);
}
