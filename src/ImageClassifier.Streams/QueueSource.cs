using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>A queue as a back-pressured source.</summary>
public static class QueueSource
{
    /// <summary>
    /// A source of the queue's messages. It holds at most <see cref="QueueSourceSettings.MaxInFlight"/> at once, from
    /// receive to <see cref="Delivery.Release"/>, whether given on or not, and renews all their leases. It polls for
    /// ten when ten credits are free, or for what is free when nothing is in hand; has one poll under way, which it
    /// never breaks off; and backs off when a poll fails. It never fails by itself, and completes only when it is
    /// drained. Where downstream cancels or fails, what was not given on is handed back, and the other leases run out.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="settings">How it is polled.</param>
    /// <param name="time">The clock; of the actor system that runs the stream.</param>
    /// <param name="onPoll">Told of each poll that ended, within the stream: must not block or throw.</param>
    /// <param name="onRenewalsRefused">Told why, when the queue refuses the renewal of leases again and again for good;
    /// within the stream: must not block or throw.</param>
    public static Source<Delivery, IQueueSourceControl> Create(
        IMessageQueue queue,
        QueueSourceSettings settings,
        TimeProvider time,
        Action<PollReport>? onPoll = null,
        Action<string>? onRenewalsRefused = null) =>
        Source.FromGraph(new QueueSourceStage(queue, settings, time, onPoll, onRenewalsRefused));
}
