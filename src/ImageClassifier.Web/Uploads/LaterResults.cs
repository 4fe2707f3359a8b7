namespace ImageClassifier.Web.Uploads;

/// <summary>What results say of older messages. A queue gives its messages out in about the order in which it got them: where
/// a job that was accepted later came back long ago, an older message has had its turn, and all the time since then to come
/// to its own result.</summary>
/// <param name="patience">What counts as long ago: longer than a job may be under way from its first receive.</param>
internal sealed class LaterResults(TimeSpan patience)
{
    // Memory is bounded by as many entries as make up the patience, and one more.
    private const int Slots = 16;

    private readonly Queue<Slot> _young = [];
    private Slot? _last;
    private DateTimeOffset? _overtaken;

    /// <summary>Takes down a result.</summary>
    /// <param name="submittedAt">When its job was accepted.</param>
    /// <param name="at">When the result came.</param>
    public void Add(DateTimeOffset submittedAt, DateTimeOffset at)
    {
        if (submittedAt <= _last?.SubmittedAt) return;
        if (_last is { } last && at < last.Until)
        {
            last.SubmittedAt = submittedAt;
            return;
        }

        Age(at);
        _last = new Slot(at + patience / Slots, submittedAt);
        _young.Enqueue(_last);
    }

    /// <summary>What was sent before this was overtaken long ago; null where that is not known of anything.</summary>
    public DateTimeOffset? OvertakenBefore(DateTimeOffset now)
    {
        Age(now);
        return _overtaken;
    }

    private void Age(DateTimeOffset now)
    {
        while (_young.TryPeek(out var oldest) && now - oldest.Until >= patience)
            _overtaken = _young.Dequeue().SubmittedAt;
    }

    /// <summary>The latest submission of which a result came until then.</summary>
    private sealed class Slot(DateTimeOffset until, DateTimeOffset submittedAt)
    {
        public DateTimeOffset Until { get; } = until;

        public DateTimeOffset SubmittedAt { get; set; } = submittedAt;
    }
}
