using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Estimates how many pictures wait while the queue's counts lag. Right after an upload the counts miss jobs that were
/// just sent. Right after results the counts still include jobs that are done.
/// </summary>
/// <param name="countsLag">How long the queue's counts can lag; older counts are trusted.</param>
internal sealed class BacklogEstimator(TimeSpan countsLag)
{
    private readonly Queue<SentJobs> _recentlySent = [];
    private int _recentJobs;

    /// <summary>Jobs without a result; null until the queue was seen empty once.</summary>
    private int? _openJobs;
    private DateTimeOffset? _lastResultAt;

    /// <summary>Counts jobs that were sent to the queue.</summary>
    public void JobsSent(int jobs, DateTimeOffset now)
    {
        if (jobs <= 0 || countsLag <= TimeSpan.Zero) return;
        _recentlySent.Enqueue(new SentJobs(now, jobs));
        _recentJobs += jobs;
        _openJobs += jobs;
    }

    /// <summary>Counts a job that has its result.</summary>
    public void JobDone(DateTimeOffset now)
    {
        _lastResultAt = now;
        if (_openJobs > 0) _openJobs--;
        if (!_recentlySent.TryPeek(out var oldest)) return;
        _recentJobs--;
        if (--oldest.Jobs == 0) _recentlySent.Dequeue();
    }

    /// <summary>Estimates how many pictures wait.</summary>
    public int EstimateWaiting(QueueMeasure counts, DateTimeOffset now)
    {
        Expire(now);
        if (_recentJobs > 0) return Math.Max(counts.Waiting, _recentJobs - counts.InFlight);
        if (counts.Backlog == 0) _openJobs = 0;
        // By now the counts include every job that was sent, but perhaps also jobs that are done. Jobs that another
        // client sent straight to the queue are seen once no result has come for as long as the counts lag.
        return _openJobs is { } open && IsRecent(_lastResultAt, now)
            ? Math.Min(counts.Waiting, open)
            : counts.Waiting;
    }

    /// <summary>False also for a time in the future, which a clock leaves that was set back.</summary>
    private bool IsRecent(DateTimeOffset? time, DateTimeOffset now) => time <= now && now - time < countsLag;

    private void Expire(DateTimeOffset now)
    {
        while (_recentlySent.TryPeek(out var oldest) && !IsRecent(oldest.At, now))
        {
            _recentJobs -= oldest.Jobs;
            _recentlySent.Dequeue();
        }
    }

    private sealed class SentJobs(DateTimeOffset at, int jobs)
    {
        public DateTimeOffset At { get; } = at;

        public int Jobs { get; set; } = jobs;
    }
}
