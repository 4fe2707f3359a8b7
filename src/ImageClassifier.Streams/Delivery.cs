using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>
/// A received message in hand. It holds one credit of its source, which renews its lease until the message is released.
/// Every delivery must be released after it is settled, or its credit is lost. <see cref="QueueAcknowledgement"/>
/// always releases it.
/// </summary>
/// <param name="message">The message.</param>
/// <param name="receivedAt">The time of its receipt, in <see cref="MonotonicTime"/>.</param>
/// <param name="released">Called once, on any thread, when the delivery is released.</param>
/// <param name="setAside">Called on any thread when the delivery is set aside.</param>
public sealed class Delivery(
    ReceivedMessage message, TimeSpan receivedAt, Action<Delivery>? released = null, Action<Delivery>? setAside = null)
{
    private long _leaseEndsAt = TimeSpan.MaxValue.Ticks;
    private int _isReleased;

    /// <summary>The message.</summary>
    public ReceivedMessage Message { get; } = message;

    /// <summary>The time of its receipt, in <see cref="MonotonicTime"/>: the machine's clock may be set
    /// meanwhile.</summary>
    public TimeSpan ReceivedAt { get; } = receivedAt;

    /// <summary>True if the message is still leased to this node. A lease also ends when it is not renewed in time, as
    /// in a paused process, even before the queue reports it.</summary>
    /// <param name="now">The current <see cref="MonotonicTime"/>.</param>
    public bool HoldsLease(TimeSpan now) => now.Ticks < Volatile.Read(ref _leaseEndsAt);

    /// <summary>The message waits for something outside the service. From now on it needs no credit, unless
    /// <see cref="QueueSource.MostAside"/> messages are aside already. Its lease is renewed as before. Safe from any
    /// thread.</summary>
    public void SetAside() => setAside?.Invoke(this);

    /// <summary>Returns the credit and ends the renewal of the lease. Safe from any thread. A second call does
    /// nothing.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0) released?.Invoke(this);
    }

    internal void SetLeaseEnd(TimeSpan end) => Volatile.Write(ref _leaseEndsAt, end.Ticks);

    internal void MarkLeaseLost() => SetLeaseEnd(TimeSpan.MinValue);
}
