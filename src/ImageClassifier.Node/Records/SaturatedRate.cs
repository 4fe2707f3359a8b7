using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Records;

/// <summary>
/// How many jobs a node settles a second while it has as much to do as it can take: while at least one full poll
/// (<see cref="IMessageQueue.MaxBatch"/>) is in hand. Recent values weigh more. Not safe for several threads at once.
/// </summary>
/// <remarks>
/// Jobs are settled in bursts, and a burst may hold work of any time since the one before. So the unit is a span from
/// one burst to another, with at least ten jobs settled in it: its throughput is real whatever the bursts' sizes. It
/// weighs as much as it was saturated, which passes over the moments in which the next poll is still under way. It
/// counts only where its first jobs cannot have been worked on unseen: when nothing was in hand as it began, or when
/// the span before was saturated too.
/// </remarks>
internal sealed class SaturatedRate
{
    private const int JobsOfSpan = IMessageQueue.MaxBatch;
    private const int EnoughJobs = 30;
    private const double EnoughSaturation = 0.5;

    // Saturated time after which a value weighs e times less.
    private const double MemorySeconds = 60;

    private DateTimeOffset _spanBegan;
    private DateTimeOffset _seen;
    private bool _isSpanClean;
    private double _spanSaturatedSeconds;
    private int _spanJobs;
    private int _inHand;

    // Both fade alike.
    private double _jobs;
    private double _seconds;
    private double _countedJobs;

    /// <summary>Jobs a second; null until some tens of jobs were counted.</summary>
    public double? PerSecond => _countedJobs >= EnoughJobs ? _jobs / _seconds : null;

    /// <summary>A poll ended.</summary>
    /// <param name="received">How many messages it brought.</param>
    /// <param name="inHand">How many messages are in hand now, these included.</param>
    /// <param name="now">When.</param>
    public void Polled(int received, int inHand, DateTimeOffset now)
    {
        if (received > 0 && received == inHand) BeginSpan(now, isClean: true);
        else PassTo(now);
        _inHand = inHand;
    }

    /// <summary>Messages left the hand.</summary>
    /// <param name="jobs">How many of them were settled with a result.</param>
    /// <param name="released">How many they are.</param>
    /// <param name="now">When.</param>
    public void Released(int jobs, int released, DateTimeOffset now)
    {
        PassTo(now);
        _inHand = Math.Max(0, _inHand - released);
        _spanJobs += jobs;
        var seconds = (now - _spanBegan).TotalSeconds;
        if (_spanJobs < JobsOfSpan || seconds <= 0) return;

        var saturation = _spanSaturatedSeconds / seconds;
        var isSaturated = saturation >= EnoughSaturation;
        if (isSaturated && _isSpanClean) Count(_spanJobs * saturation, _spanSaturatedSeconds);
        BeginSpan(now, isSaturated);
    }

    private void PassTo(DateTimeOffset now)
    {
        if (now < _seen)
        {
            // The clock was set back.
            BeginSpan(now, isClean: false);
            return;
        }

        if (_inHand >= IMessageQueue.MaxBatch) _spanSaturatedSeconds += (now - _seen).TotalSeconds;
        _seen = now;
    }

    private void BeginSpan(DateTimeOffset now, bool isClean)
    {
        _spanBegan = now;
        _seen = now;
        _isSpanClean = isClean;
        _spanSaturatedSeconds = 0;
        _spanJobs = 0;
    }

    private void Count(double jobs, double seconds)
    {
        var faded = Math.Exp(-seconds / MemorySeconds);
        _jobs = (_jobs * faded) + jobs;
        _seconds = (_seconds * faded) + seconds;
        _countedJobs += jobs;
    }
}
