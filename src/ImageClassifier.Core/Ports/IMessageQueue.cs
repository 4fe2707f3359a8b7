namespace ImageClassifier.Core.Ports;

/// <summary>
/// A durable FIFO queue with message groups, shared by several processes. A received message is leased: no one else
/// receives it, or a later one of its group, until the lease runs out or the message is deleted or handed back. A
/// message that was received more often than the queue's limit goes to its dead-letter queue. A second message
/// with the deduplication id of one that was sent in the last five minutes is taken and dropped.
/// </summary>
/// <remarks>
/// Time is the queue's own clock, never the caller's. A call fails as a whole (<see cref="QueueUnavailableException"/>)
/// only when the queue cannot be reached, or refuses the call for good (<see cref="QueueRefusedException"/>); what is
/// wrong with one entry is that entry's outcome, and fails no other.
/// </remarks>
public interface IMessageQueue
{
    /// <summary>The most entries in one call.</summary>
    const int MaxBatch = 10;

    /// <summary>Sends up to <see cref="MaxBatch"/> messages.</summary>
    /// <returns>One outcome a message, in the same order.</returns>
    Task<IReadOnlyList<QueueOutcome>> SendAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation);

    /// <summary>
    /// Receives up to <paramref name="maxMessages"/> messages, and waits up to <paramref name="wait"/> for the first.
    /// </summary>
    /// <param name="maxMessages">From 1 to <see cref="MaxBatch"/>.</param>
    /// <param name="wait">How long to wait for a message while there is none; at most 20 s.</param>
    /// <param name="lease">How long the messages are hidden from others.</param>
    /// <param name="stopWaiting">Ends the wait early where that can lose nothing: the call then answers what it has,
    /// perhaps nothing. It never makes the call fail, and a queue on which a poll under way must not be broken off
    /// ignores it.</param>
    /// <returns>The messages, in order within their group; empty when none came in time.</returns>
    Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting);

    /// <summary>Deletes up to <see cref="MaxBatch"/> received messages for good.</summary>
    /// <returns>One outcome a receipt, in the same order. A message whose lease was lost and that someone else has
    /// received since is not deleted: <see cref="QueueOutcome.LeaseLost"/>.</returns>
    Task<IReadOnlyList<QueueOutcome>> DeleteAsync(IReadOnlyList<Receipt> receipts, CancellationToken cancellation);

    /// <summary>Sets the leases of up to <see cref="MaxBatch"/> received messages to run from now; zero hands a
    /// message back, to be received at once.</summary>
    /// <returns>One outcome a receipt, in the same order; a lease that has run out cannot be set:
    /// <see cref="QueueOutcome.LeaseLost"/>.</returns>
    Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation);

    /// <summary>Counts the queue's messages. On some queues the counts lag behind.</summary>
    Task<QueueMeasure> MeasureAsync(CancellationToken cancellation);

    /// <summary>Looks whether what the queue is kept in is there and sound, so that messages are durable on it. Cheap
    /// enough for each upload; a queue that is paid by the call is not asked.</summary>
    /// <exception cref="QueueUnavailableException">It is lost or damaged.</exception>
    Task CheckAsync(CancellationToken cancellation);

    /// <summary>Names what the queue holds. Under another name than before the queue was made anew: what had been sent
    /// is gone, and must be sent again.</summary>
    /// <returns>Null for a queue that loses nothing.</returns>
    /// <exception cref="QueueUnavailableException">The queue cannot be used now.</exception>
    Task<string?> ContentsAsync(CancellationToken cancellation);
}

/// <summary>A message to send.</summary>
/// <param name="Body">Text, at most 256 KiB as UTF-8.</param>
/// <param name="GroupId">The group within which order holds; at most 128 characters.</param>
/// <param name="DeduplicationId">Names this sending; at most 128 characters.</param>
public sealed record OutgoingMessage(string Body, string GroupId, string DeduplicationId);

/// <summary>A message that was received.</summary>
/// <param name="Body">What was sent.</param>
/// <param name="GroupId">The group it was sent in.</param>
/// <param name="Receipt">Stands for this receiving of the message in delete and extend.</param>
/// <param name="ReceiveCount">How often the message was received, this time included.</param>
public sealed record ReceivedMessage(string Body, string GroupId, Receipt Receipt, int ReceiveCount);

/// <summary>Stands for one receiving of a message; opaque.</summary>
public readonly record struct Receipt(string Value);

/// <summary>How many messages a queue holds.</summary>
/// <param name="Waiting">Visible messages.</param>
/// <param name="InFlight">Messages under lease.</param>
public sealed record QueueMeasure(int Waiting, int InFlight)
{
    /// <summary>Waiting and in flight together.</summary>
    public int Backlog => Waiting + InFlight;
}

/// <summary>How one entry of a batch call ended.</summary>
/// <param name="Kind">What became of it.</param>
/// <param name="Reason">Why, where it did not succeed.</param>
public sealed record QueueOutcome(QueueOutcomeKind Kind, string? Reason = null)
{
    /// <summary>The entry was done.</summary>
    public static QueueOutcome Done { get; } = new(QueueOutcomeKind.Done);

    /// <summary>The message is no longer the caller's.</summary>
    public static QueueOutcome LeaseLost { get; } = new(QueueOutcomeKind.LeaseLost, "The lease was lost.");

    /// <summary>Whether the entry was done.</summary>
    public bool Succeeded => Kind == QueueOutcomeKind.Done;
}

/// <summary>What can become of one entry of a batch call.</summary>
public enum QueueOutcomeKind
{
    /// <summary>It was done.</summary>
    Done,

    /// <summary>It failed now and can succeed when tried again.</summary>
    Retriable,

    /// <summary>The queue refuses it for good, and nothing is wrong with the entry: it can succeed once someone has
    /// mended a permission or a setting.</summary>
    Refused,

    /// <summary>The message is no longer the caller's; trying again is no use.</summary>
    LeaseLost,

    /// <summary>The entry itself is wrong (too long a body, say); trying again is no use.</summary>
    Invalid,
}

/// <summary>The queue as a whole could not be reached; the call may be made again.</summary>
public class QueueUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
