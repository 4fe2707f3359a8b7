using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>Sends to a queue that may be away for a while.</summary>
public static class QueueSends
{
    /// <summary>
    /// Sends at most <see cref="IMessageQueue.MaxBatch"/> messages. Entries that can succeed later are retried, and all
    /// of them while the queue cannot be reached. If the answer to a successful send is lost, the message is sent
    /// twice: the queue drops the second by its deduplication id.
    /// </summary>
    /// <returns>One outcome for each message, in the same order: <see cref="QueueOutcomeKind.Retriable"/> or
    /// <see cref="QueueOutcomeKind.Refused"/> if all tries failed. A failure of the queue is not thrown.</returns>
    /// <exception cref="OperationCanceledException">The call was cancelled. Some messages may have been
    /// sent.</exception>
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
