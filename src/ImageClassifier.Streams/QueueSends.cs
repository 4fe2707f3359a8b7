using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>Sending to a queue that may fail for a while.</summary>
public static class QueueSends
{
    /// <summary>
    /// Sends up to <see cref="IMessageQueue.MaxBatch"/> messages. Entries that can succeed later, and all of them where
    /// the queue cannot be reached, are sent again alone. An entry that was taken although its answer was lost is sent
    /// twice; the queue drops the second by its deduplication id.
    /// </summary>
    /// <returns>One outcome a message, in the same order: <see cref="QueueOutcomeKind.Retriable"/> or
    /// <see cref="QueueOutcomeKind.Refused"/> where the attempts ran out. No failure of the queue is thrown.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled; some messages may have been sent.</exception>
    public static Task<IReadOnlyList<QueueOutcome>> SendAllAsync(
        IMessageQueue queue,
        IReadOnlyList<OutgoingMessage> messages,
        RetryPolicy retries,
        TimeProvider time,
        CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(messages.Count, IMessageQueue.MaxBatch);
        return QueueRetries.RunAsync(
            messages, open => queue.SendAsync(open, cancellation), retries, time, cancellation);
    }
}
