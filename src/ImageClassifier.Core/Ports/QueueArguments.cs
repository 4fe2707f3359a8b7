namespace ImageClassifier.Core.Ports;

/// <summary>Checks the arguments of a queue's calls. The limits are the same for each queue, so that a caller works with
/// all of them.</summary>
public static class QueueArguments
{
    // The limits of SQS.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MaxLease = TimeSpan.FromHours(12);

    /// <summary>Checks the entries of a batch call.</summary>
    public static void CheckBatch<T>(IReadOnlyList<T> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries.Count, IMessageQueue.MaxBatch);
    }

    /// <summary>Checks the arguments of <see cref="IMessageQueue.ReceiveAsync"/>.</summary>
    public static void CheckReceive(int maxMessages, TimeSpan wait, TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxMessages, IMessageQueue.MaxBatch);
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, MaxWait);
        ArgumentOutOfRangeException.ThrowIfEqual(lease, TimeSpan.Zero);
        CheckLease(lease);
    }

    /// <summary>Checks the arguments of <see cref="IMessageQueue.ExtendAsync"/>.</summary>
    public static void CheckExtend(IReadOnlyList<Receipt> receipts, TimeSpan lease)
    {
        CheckBatch(receipts);
        CheckLease(lease);
    }

    private static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, MaxLease);
    }
}
