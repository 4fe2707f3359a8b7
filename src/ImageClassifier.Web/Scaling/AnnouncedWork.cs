using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>The scaler's own books of the work. Where the queue's counts lag behind, the jobs that were sent lately are what is
/// known of an upload in its first moments, and the results that came lately tell what the counts show although it is
/// done.</summary>
/// <param name="countsLag">How long the queue's counts may lag; after it they are believed.</param>
internal sealed class AnnouncedWork(TimeSpan countsLag)
{
    private readonly Queue<Announcement> _announced = [];
    private int _jobs;

    /// <summary>Jobs without a result; null until the queue was once seen empty.</summary>
    private int? _open;
    private DateTimeOffset? _lastDone;

    /// <summary>Jobs were sent.</summary>
    public void Sent(int jobs, DateTimeOffset now)
    {
        if (jobs <= 0 || countsLag <= TimeSpan.Zero) return;
        _announced.Enqueue(new Announcement(now, jobs));
        _jobs += jobs;
        _open += jobs;
    }

    /// <summary>A job has its result.</summary>
    public void Done(DateTimeOffset now)
    {
        _lastDone = now;
        if (_open > 0) _open--;
        if (!_announced.TryPeek(out var oldest)) return;
        _jobs--;
        if (--oldest.Jobs == 0) _announced.Dequeue();
    }

    /// <summary>How many pictures wait, as far as the counts and the books say together.</summary>
    public int Waiting(QueueMeasure counts, DateTimeOffset now)
    {
        Expire(now);
        if (_jobs > 0) return Math.Max(counts.Waiting, _jobs - counts.InFlight);
        if (counts.Backlog == 0) _open = 0;
        // By now the counts know of all that was sent, but perhaps not yet of what is done. Sent by others than the web tier,
        // as by hand, work shows once results are no news either.
        return _open is { } open && now - _lastDone < countsLag ? Math.Min(counts.Waiting, open) : counts.Waiting;
    }

    private void Expire(DateTimeOffset now)
    {
        while (_announced.TryPeek(out var oldest) && now - oldest.At >= countsLag)
        {
            _jobs -= oldest.Jobs;
            _announced.Dequeue();
        }
    }

    private sealed class Announcement(DateTimeOffset at, int jobs)
    {
        public DateTimeOffset At { get; } = at;

        public int Jobs { get; set; } = jobs;
    }
}
