using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>
/// Tracks the leases of the messages in hand and when each must be renewed: after two thirds of the lease, unless the
/// renewed lease would end after the longest hold. All times are <see cref="MonotonicTime"/>, because a clock that is
/// set back would end the renewals. Not thread-safe.
/// </summary>
/// <param name="lease">The length of a lease.</param>
/// <param name="maxLease">The longest time for which a message may be held, from its receipt.</param>
internal sealed class LeaseTracker(TimeSpan lease, TimeSpan maxLease)
{
    private readonly Dictionary<Delivery, Entry> _entries = [];

    /// <summary>The number of messages in hand, including those whose lease is lost.</summary>
    public int Count => _entries.Count;

    /// <summary>The time at which the next renewal is due; null if none will be due.</summary>
    public TimeSpan? NextDue =>
        _entries.Values.Where(entry => !entry.IsUnderWay).Min(entry => entry.RenewAt);

    /// <summary>The time-out of a renewal. It leaves time for another try before the lease ends.</summary>
    public TimeSpan RenewalLimit => lease / 6;

    /// <summary>Adds a message that was just received.</summary>
    public void Add(Delivery delivery)
    {
        var entry = new Entry();
        _entries.Add(delivery, entry);
        delivery.SetLeaseEnd(delivery.ReceivedAt + lease);
        Plan(delivery, entry, delivery.ReceivedAt + RenewAfter);
    }

    /// <summary>Removes a message. False if it was not there.</summary>
    public bool Remove(Delivery delivery) => _entries.Remove(delivery);

    /// <summary>True if the message is in hand.</summary>
    public bool Contains(Delivery delivery) => _entries.ContainsKey(delivery);

    /// <summary>Takes the due renewals, longest due first. A taken renewal is not due again before
    /// <see cref="RecordRenewal"/> or <see cref="RecordFailedRenewal"/>.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="max">The most renewals to take.</param>
    public IReadOnlyList<Delivery> TakeDue(TimeSpan now, int max)
    {
        var due = _entries
            .Where(pair => !pair.Value.IsUnderWay && pair.Value.RenewAt <= now)
            .OrderBy(pair => pair.Value.RenewAt)
            .Take(max)
            .Select(pair => pair.Key)
            .ToArray();
        foreach (var delivery in due) _entries[delivery].IsUnderWay = true;
        return due;
    }

    /// <summary>Records the outcome of a renewal. Ignores a message that was removed meanwhile.</summary>
    /// <param name="delivery">The message.</param>
    /// <param name="outcome">The queue's answer.</param>
    /// <param name="calledAt">The time of the call. The new lease runs at least from then.</param>
    /// <param name="now">The current time.</param>
    public void RecordRenewal(Delivery delivery, QueueOutcome outcome, TimeSpan calledAt, TimeSpan now)
    {
        if (!_entries.TryGetValue(delivery, out var entry)) return;
        switch (outcome.Kind)
        {
            case QueueOutcomeKind.Done:
                delivery.SetLeaseEnd(calledAt + lease);
                Plan(delivery, entry, calledAt + RenewAfter);
                break;
            case QueueOutcomeKind.Retriable or QueueOutcomeKind.Refused:
                Plan(delivery, entry, now + RetryAfter);
                break;
            default:
                entry.RenewAt = null;
                entry.IsUnderWay = false;
                delivery.MarkLeaseLost();
                break;
        }
    }

    /// <summary>Records a renewal that had no answer. The next try is due soon, well before the lease ends.</summary>
    public void RecordFailedRenewal(Delivery delivery, TimeSpan now)
    {
        if (_entries.TryGetValue(delivery, out var entry)) Plan(delivery, entry, now + RetryAfter);
    }

    private TimeSpan RenewAfter => lease * (2.0 / 3.0);

    // Four tries in the last third of a lease.
    private TimeSpan RetryAfter => lease / 12;

    private void Plan(Delivery delivery, Entry entry, TimeSpan renewAt)
    {
        var endsWithinCap = renewAt + lease <= delivery.ReceivedAt + maxLease;
        entry.RenewAt = endsWithinCap ? renewAt : null;
        entry.IsUnderWay = false;
    }

    private sealed class Entry
    {
        public TimeSpan? RenewAt { get; set; }

        public bool IsUnderWay { get; set; }
    }
}
