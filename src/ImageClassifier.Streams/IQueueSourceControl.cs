namespace ImageClassifier.Streams;

/// <summary>The control of a running <see cref="QueueSource"/>. Safe from any thread.</summary>
public interface IQueueSourceControl
{
    /// <summary>Completes when the source is done: after a drain or <see cref="StopPolling"/>, when all messages in
    /// hand are released; otherwise when the stream has ended. By then, messages that were not emitted are handed back.
    /// Never fails.</summary>
    Task Drained { get; }

    /// <summary>Starts a drain: the source stops polling, lets an open poll end, hands back messages that it has not
    /// emitted, and completes the stream. Messages that it has emitted are finished downstream; their leases are
    /// renewed until they are released.</summary>
    void Drain();

    /// <summary>The source stops polling, and lets an open poll end. It emits all messages that it has or that the open
    /// poll brings, and then completes the stream. So nothing is handed back, unless a drain follows.</summary>
    void StopPolling();
}

/// <summary>A poll that has ended.</summary>
/// <param name="Received">The number of messages that it received.</param>
/// <param name="InHand">The number of messages in hand now, these included.</param>
/// <param name="Failure">Why it failed; null if it succeeded.</param>
public sealed record PollReport(int Received, int InHand, Exception? Failure);
