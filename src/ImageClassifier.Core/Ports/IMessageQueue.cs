using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>
/// A durable FIFO queue with message groups, shared by several processes. A received message is leased. Until the lease
/// ends, or the message is deleted or handed back, no receiver gets it or a later message of its group. A message that
/// was received more often than the queue's limit moves to the dead-letter queue. A message whose deduplication id was
/// sent within the last five minutes is accepted and dropped.
/// </summary>
/// <remarks>
/// Time is the queue's clock, never the caller's. A call as a whole throws <see cref="QueueUnavailableException"/> only
/// if the queue cannot be reached, or <see cref="QueueRefusedException"/> if it refuses the call for good. A fault of
/// one entry is the outcome of that entry, and affects no other.
/// </remarks>
public interface IMessageQueue
{
    /// <summary>The most entries in one call.</summary>
    const int MaxBatch = 10;

    /// <summary>Sends up to <see cref="MaxBatch"/> messages.</summary>
    /// <returns>One outcome for each message, in the same order.</returns>
    Task<IReadOnlyList<QueueOutcome>> SendAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation);

    /// <summary>
    /// Receives up to <paramref name="maxMessages"/> messages, and waits up to <paramref name="wait"/> for the first.
    /// </summary>
    /// <param name="maxMessages">From 1 to <see cref="MaxBatch"/>.</param>
    /// <param name="wait">How long to wait for a message if there is none; at most 20 s.</param>
    /// <param name="lease">How long the messages are hidden from other receivers; at most 12 h.</param>
    /// <param name="stopWaiting">Ends the wait early, unless that could lose messages. The call then returns the
    /// messages that it has, perhaps none, and does not fail. A queue whose open polls must not be aborted ignores
    /// it.</param>
    /// <returns>The messages, in order within their group; empty if none came in time.</returns>
    Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting);

    /// <summary>Deletes up to <see cref="MaxBatch"/> received messages for good.</summary>
    /// <returns>One outcome for each receipt, in the same order. If the lease was lost and another receiver has the
    /// message, it is not deleted: <see cref="QueueOutcome.LeaseLost"/>.</returns>
    Task<IReadOnlyList<QueueOutcome>> DeleteAsync(IReadOnlyList<Receipt> receipts, CancellationToken cancellation);

    /// <summary>Sets the leases of up to <see cref="MaxBatch"/> received messages, counted from now. Zero hands a
    /// message back: it is visible at once.</summary>
    /// <returns>One outcome for each receipt, in the same order. A lease that has ended cannot be set:
    /// <see cref="QueueOutcome.LeaseLost"/>.</returns>
    Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation);

    /// <summary>Counts the queue's messages. On some queues the counts lag.</summary>
    Task<QueueMeasure> MeasureAsync(CancellationToken cancellation);

    /// <summary>Checks that the storage of the queue is there and sound, so that sent messages are durable. Cheap
    /// enough for each upload. A queue that charges for calls makes none.</summary>
    /// <exception cref="QueueUnavailableException">The storage is lost or damaged.</exception>
    Task CheckAsync(CancellationToken cancellation);

    /// <summary>Identifies the contents of the queue. If the identity changes, the queue was created anew: its messages
    /// are lost and must be sent again.</summary>
    /// <returns>Null for a queue that does not lose its contents.</returns>
    /// <exception cref="QueueUnavailableException">The queue cannot be used now.</exception>
    Task<string?> ContentsAsync(CancellationToken cancellation);
}

/// <summary>A received message.</summary>
/// <param name="Body">The text of the message.</param>
/// <param name="GroupId">The group of the message.</param>
/// <param name="Receipt">Identifies this receipt of the message, to delete it or to extend its lease.</param>
/// <param name="ReceiveCount">How often the message was received, including this time.</param>
public sealed record ReceivedMessage(string Body, string GroupId, Receipt Receipt, int ReceiveCount)
{
    /// <summary>When the message was sent, by the queue's clock; null if the queue does not say.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>When the message was received this time, by the queue's clock. Null if the queue does not say: some know
    /// only the first time.</summary>
    public DateTimeOffset? ReceivedAt { get; init; }
}

/// <summary>Identifies one receipt of a message; opaque.</summary>
public readonly record struct Receipt(string Value);

/// <summary>The number of messages in a queue.</summary>
/// <param name="Waiting">Visible messages.</param>
/// <param name="InFlight">Messages under lease.</param>
public sealed record QueueMeasure(int Waiting, int InFlight)
{
    /// <summary>Waiting and in flight.</summary>
    public int Backlog => Waiting + InFlight;
}

/// <summary>The outcome of one entry of a batch call.</summary>
/// <param name="Kind">The kind of outcome.</param>
/// <param name="Reason">Why the entry did not succeed.</param>
public sealed record QueueOutcome(QueueOutcomeKind Kind, string? Reason = null)
{
    /// <summary>The entry succeeded.</summary>
    public static QueueOutcome Done { get; } = new(QueueOutcomeKind.Done);

    /// <summary>The caller does not have the lease of the message any more.</summary>
    public static QueueOutcome LeaseLost { get; } = new(QueueOutcomeKind.LeaseLost, "The lease was lost.");

    /// <summary>True if the entry succeeded.</summary>
    public bool Succeeded => Kind == QueueOutcomeKind.Done;
}

/// <summary>The kinds of outcome of an entry.</summary>
public enum QueueOutcomeKind
{
    /// <summary>The entry succeeded.</summary>
    Done,

    /// <summary>The entry failed now. A retry can succeed.</summary>
    Retriable,

    /// <summary>The queue refuses the entry for good, although the entry is right. It can succeed after someone
    /// corrects a permission or a setting.</summary>
    Refused,

    /// <summary>The caller does not have the lease any more. A retry is no use.</summary>
    LeaseLost,

    /// <summary>The entry itself is wrong, such as a body that is too long. A retry is no use.</summary>
    Invalid,
}

/// <summary>The queue as a whole could not be reached. The call may be retried.</summary>
public class QueueUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
