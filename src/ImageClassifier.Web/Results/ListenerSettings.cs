using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Results;

/// <summary>How the web tier polls the response queue.</summary>
internal static class ListenerSettings
{
    // A stopping web tier waits for the last poll, which SQS does not break off. A longer one saves cents a month.
    private static readonly TimeSpan WaitTime = TimeSpan.FromSeconds(5);

    // A poll for ten, ten that are given to their batches, and ten that wait for their delete: 300 results at most. A
    // web tier that dies sends back no more than these.
    private const int MaxInFlight = 3 * IMessageQueue.MaxBatch;

    /// <summary>The constants, with the lease of the queue.</summary>
    /// <exception cref="InvalidSettingException">A setting of the queues is wrong.</exception>
    public static QueueSourceSettings Create(Config config)
    {
        var queue = QueueSettings.Create(config).Responses;
        return new QueueSourceSettings(
            WaitTime, queue.Lease, queue.MaxLease, MaxInFlight,
            QueueSourceSettings.FirstPause, QueueSourceSettings.LongestPause);
    }
}
