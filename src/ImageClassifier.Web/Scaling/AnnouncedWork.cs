namespace ImageClassifier.Web.Scaling;

/// <summary>The jobs that were sent to the request queue lately and have no result yet. Where the queue's counts lag behind,
/// this is what is known of an upload in its first moments.</summary>
/// <param name="countsLag">How long the queue's counts may lag; after it they are believed.</param>
internal sealed class AnnouncedWork(TimeSpan countsLag)
{
    private readonly Queue<Announcement> _announced = [];
    private int _jobs;

    /// <summary>Jobs were sent.</summary>
    public void Sent(int jobs, DateTimeOffset now)
    {
        if (jobs <= 0 || countsLag <= TimeSpan.Zero) return;
        _announced.Enqueue(new Announcement(now, jobs));
        _jobs += jobs;
    }

    /// <summary>A job has its result.</summary>
    public void Done()
    {
        if (!_announced.TryPeek(out var oldest)) return;
        _jobs--;
        if (--oldest.Jobs == 0) _announced.Dequeue();
    }

    /// <summary>How many jobs the counts may not show yet.</summary>
    public int Unseen(DateTimeOffset now)
    {
        while (_announced.TryPeek(out var oldest) && now - oldest.At >= countsLag)
        {
            _jobs -= oldest.Jobs;
            _announced.Dequeue();
        }

        return _jobs;
    }

    private sealed class Announcement(DateTimeOffset at, int jobs)
    {
        public DateTimeOffset At { get; } = at;

        public int Jobs { get; set; } = jobs;
    }
}
