using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>A queue as a back-pressured source.</summary>
public static class QueueSource
{
    /// <summary>The most messages that are in hand without a credit, because they wait for something outside the service
    /// (<see cref="Delivery.SetAside"/>). They hold hardly any memory, but a killed node's return to the queue
    /// late.</summary>
    public const int MostAside = 64;

    /// <summary>
    /// A source of the queue's messages. It holds at most <see cref="QueueSourceSettings.MaxInFlight"/> messages, from
    /// receive to <see cref="Delivery.Release"/>, and renews their leases. It polls for ten when ten credits are free.
    /// When nothing is in hand, it polls for the free credits, even if they are fewer. It has one poll under way, never
    /// aborts it, and backs off after a failed poll. The source never fails, and completes only after a drain or after
    /// it was told to stop polling. If downstream cancels or fails, the source hands back the messages that it has not
    /// emitted; the leases of the others end.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="settings">The settings of the polls.</param>
    /// <param name="time">The clock of the actor system that runs the stream.</param>
    /// <param name="onPoll">Called after each poll, within the stream: must not block or throw.</param>
    /// <param name="onRenewalsRefused">Called with the reason when the queue has refused several renewals of leases in
    /// a row for good. It is called within the stream: must not block or throw.</param>
    public static Source<Delivery, IQueueSourceControl> Create(
        IMessageQueue queue,
        QueueSourceSettings settings,
        TimeProvider time,
        Action<PollReport>? onPoll = null,
        Action<string>? onRenewalsRefused = null) =>
        Source.FromGraph(new QueueSourceStage(queue, settings, time, onPoll, onRenewalsRefused));
}
