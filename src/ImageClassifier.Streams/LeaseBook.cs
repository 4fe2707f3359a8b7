using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>
/// Keeps what is in hand, and says whose lease is to be renewed: past two thirds of it, and only while the renewed
/// lease still ends within the cap, counted from receipt. All times are by <see cref="MonotonicTime"/>, or a clock that is
/// set back would end the renewals. Not safe for several threads.
/// </summary>
/// <param name="lease">How long a lease is.</param>
/// <param name="maxLease">How long a message may be held in total.</param>
internal sealed class LeaseBook(TimeSpan lease, TimeSpan maxLease)
{
    private readonly Dictionary<Delivery, Entry> _entries = [];

    /// <summary>How much is in hand, lost leases included.</summary>
    public int Count => _entries.Count;

    /// <summary>When the next renewal is due; null when none will be.</summary>
    public TimeSpan? NextDue =>
        _entries.Values.Where(entry => !entry.IsUnderWay).Min(entry => entry.RenewAt);

    /// <summary>How long a renewal may take, so that there is time for another before the lease ends.</summary>
    public TimeSpan RenewalLimit => lease / 6;

    /// <summary>Takes a message that was just received into the book.</summary>
    public void Add(Delivery delivery)
    {
        var entry = new Entry();
        _entries.Add(delivery, entry);
        delivery.LeaseRunsUntil(delivery.ReceivedAt + lease);
        Plan(delivery, entry, delivery.ReceivedAt + RenewAfter);
    }

    /// <summary>Strikes a message off; false when it was not in the book.</summary>
    public bool Remove(Delivery delivery) => _entries.Remove(delivery);

    /// <summary>Takes what is due, the longest due first. Nothing of it is due again before
    /// <see cref="Apply"/> or <see cref="TryAgain"/>.</summary>
    /// <param name="now">The time.</param>
    /// <param name="max">The most to take.</param>
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

    /// <summary>Notes how the renewal of a lease ended. What was struck off meanwhile is passed over.</summary>
    /// <param name="delivery">What was taken.</param>
    /// <param name="outcome">What the queue said of it.</param>
    /// <param name="calledAt">When the queue was called: the new lease runs at least from then.</param>
    /// <param name="now">The time.</param>
    public void Apply(Delivery delivery, QueueOutcome outcome, TimeSpan calledAt, TimeSpan now)
    {
        if (!_entries.TryGetValue(delivery, out var entry)) return;
        switch (outcome.Kind)
        {
            case QueueOutcomeKind.Done:
                delivery.LeaseRunsUntil(calledAt + lease);
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

    /// <summary>Notes that a renewal came to nothing: it is due again soon, well before the lease ends.</summary>
    public void TryAgain(Delivery delivery, TimeSpan now)
    {
        if (_entries.TryGetValue(delivery, out var entry)) Plan(delivery, entry, now + RetryAfter);
    }

    private TimeSpan RenewAfter => lease * (2.0 / 3.0);

    // Four tries in the last third.
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
