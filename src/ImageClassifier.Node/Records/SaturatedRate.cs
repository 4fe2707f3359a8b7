using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Records;

/// <summary>
/// Measures how many jobs a node settles a second under full load: while at least one full poll
/// (<see cref="IMessageQueue.MaxBatch"/>) is in hand. Recent values weigh more. All times are of one clock that cannot be
/// set. Not thread-safe.
/// </summary>
/// <remarks>
/// Jobs are settled in bursts, and a burst can hold work from any time since the burst before. So the unit of measure
/// is a span from one burst to another with at least ten settled jobs. The throughput of a span is real, whatever the
/// sizes of the bursts. A span weighs as much as its saturated share, which leaves out the moments that wait for the
/// next poll. A span counts only if no work on its jobs began before it: nothing was in hand at its start, or the span
/// before was saturated too.
/// </remarks>
internal sealed class SaturatedRate
{
    private const int JobsOfSpan = IMessageQueue.MaxBatch;
    private const int EnoughJobs = 30;
    private const double EnoughSaturation = 0.5;

    // After this much saturated time a value weighs e times less.
    private const double MemorySeconds = 60;

    private DateTimeOffset _spanBegan;
    private DateTimeOffset _seen;
    private bool _isSpanClean;
    private double _spanSaturatedSeconds;
    private int _spanJobs;
    private int _inHand;

    // Jobs and seconds, both faded by the same factor.
    private double _jobs;
    private double _seconds;
    private double _countedJobs;

    /// <summary>Jobs a second; null until <see cref="EnoughJobs"/> jobs were counted.</summary>
    public double? PerSecond => _countedJobs >= EnoughJobs ? _jobs / _seconds : null;

    /// <summary>The time in which at least one message was in hand.</summary>
    public TimeSpan InHandTime { get; private set; }

    /// <summary>Records a poll.</summary>
    /// <param name="received">The number of messages that it received.</param>
    /// <param name="inHand">The number of messages in hand now, these included.</param>
    /// <param name="now">The time at which it ended.</param>
    public void RecordPoll(int received, int inHand, DateTimeOffset now)
    {
        if (received > 0 && received == inHand) BeginSpan(now, isClean: true);
        else PassTo(now);
        _inHand = inHand;
    }

    /// <summary>Records messages that left the hand.</summary>
    /// <param name="jobs">How many of them were settled with a result.</param>
    /// <param name="released">The number of messages.</param>
    /// <param name="now">The time at which they left.</param>
    public void RecordReleased(int jobs, int released, DateTimeOffset now)
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
        if (_inHand > 0) InHandTime += now - _seen;
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
