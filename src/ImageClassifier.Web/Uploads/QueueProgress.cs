namespace ImageClassifier.Web.Uploads;

/// <summary>Infers from results which messages have left the queue. A queue delivers messages in roughly the order in
/// which it received them. If the result of a later job came long ago, every older message has been delivered, and its
/// job has had time to finish.</summary>
/// <param name="minAge">How long ago that result must be: longer than a job can take after its first receive.</param>
internal sealed class QueueProgress(TimeSpan minAge)
{
    // The number of entries is bounded: this many slots cover the minimum age, plus one.
    private const int Slots = 16;

    private readonly Queue<Slot> _recent = [];
    private Slot? _latest;
    private DateTimeOffset? _deliveredBefore;

    /// <summary>Adds a result.</summary>
    /// <param name="submittedAt">When the job was accepted.</param>
    /// <param name="at">When the result arrived.</param>
    public void Add(DateTimeOffset submittedAt, DateTimeOffset at)
    {
        if (submittedAt <= _latest?.SubmittedAt) return;
        if (_latest is { } latest && at < latest.Until)
        {
            latest.SubmittedAt = submittedAt;
            return;
        }

        Advance(at);
        _latest = new Slot(at + minAge / Slots, submittedAt);
        _recent.Enqueue(_latest);
    }

    /// <summary>Every message sent before this time has left the queue; null if nothing is known yet.</summary>
    public DateTimeOffset? DeliveredBefore(DateTimeOffset now)
    {
        Advance(now);
        return _deliveredBefore;
    }

    private void Advance(DateTimeOffset now)
    {
        while (_recent.TryPeek(out var oldest) && now - oldest.Until >= minAge)
            _deliveredBefore = _recent.Dequeue().SubmittedAt;
    }

    /// <summary>The latest acceptance time among the results up to a moment.</summary>
    private sealed class Slot(DateTimeOffset until, DateTimeOffset submittedAt)
    {
        public DateTimeOffset Until { get; } = until;

        public DateTimeOffset SubmittedAt { get; set; } = submittedAt;
    }
}
