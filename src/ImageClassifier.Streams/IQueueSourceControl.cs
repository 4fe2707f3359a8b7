namespace ImageClassifier.Streams;

/// <summary>The handle on a running <see cref="QueueSource"/>; safe from any thread.</summary>
public interface IQueueSourceControl
{
    /// <summary>Messages in hand: received and not yet released.</summary>
    int InHand { get; }

    /// <summary>When the last message was received; null before the first.</summary>
    DateTimeOffset? LastReceivedAt { get; }

    /// <summary>Completes when the source is done: after a drain when all that was in hand is released, otherwise when
    /// the stream has ended. What it received and did not give on has then been handed back. It never fails.</summary>
    Task Drained { get; }

    /// <summary>Takes no more work: polls no more, lets the poll under way end, hands back what was not given on, and
    /// completes the stream. What is downstream finishes what it has; its leases are renewed until it is
    /// released.</summary>
    void Drain();
}

/// <summary>A poll that ended.</summary>
/// <param name="At">When.</param>
/// <param name="Received">How many messages it brought.</param>
/// <param name="InHand">How many are now in hand, these included.</param>
/// <param name="Failure">Why it failed; null when it did not.</param>
public sealed record PollReport(DateTimeOffset At, int Received, int InHand, Exception? Failure);
