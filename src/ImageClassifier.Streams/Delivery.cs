using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>
/// A message in hand: received from a queue, holding one of its source's credits, its lease renewed by the source until
/// it is released. Whoever takes it must see that it is released once it is settled, or the credit is lost to the
/// source; <see cref="QueueAcknowledgement"/> does so in every case.
/// </summary>
/// <param name="message">The message.</param>
/// <param name="receivedAt">When it was received, by <see cref="MonotonicTime"/>.</param>
/// <param name="released">Called once, from any thread, when it is released.</param>
public sealed class Delivery(ReceivedMessage message, TimeSpan receivedAt, Action<Delivery>? released = null)
{
    private long _leaseEndsAt = TimeSpan.MaxValue.Ticks;
    private int _isReleased;
    private int _isLeaseLost;

    /// <summary>The message.</summary>
    public ReceivedMessage Message { get; } = message;

    /// <summary>When it was received, by <see cref="MonotonicTime"/>: the machine's clock may be set while it is in
    /// hand.</summary>
    public TimeSpan ReceivedAt { get; } = receivedAt;

    /// <summary>Whether the queue said that the message is no longer ours. That changes nothing for the work on it:
    /// whoever else does it too comes to the same stored result.</summary>
    public bool LeaseLost => Volatile.Read(ref _isLeaseLost) == 1;

    /// <summary>Whether the message is still ours. It is not once its lease ran out unrenewed, as it does in a process
    /// that is paused, whether or not the queue has said so yet.</summary>
    /// <param name="now">The time, by <see cref="MonotonicTime"/>.</param>
    public bool HoldsLease(TimeSpan now) => !LeaseLost && now.Ticks < Volatile.Read(ref _leaseEndsAt);

    /// <summary>Gives the credit back and ends the renewal of the lease. Safe from any thread; only the first call
    /// counts.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0) released?.Invoke(this);
    }

    internal void LeaseRunsUntil(TimeSpan end) => Volatile.Write(ref _leaseEndsAt, end.Ticks);

    internal void MarkLeaseLost() => Volatile.Write(ref _isLeaseLost, 1);
}
