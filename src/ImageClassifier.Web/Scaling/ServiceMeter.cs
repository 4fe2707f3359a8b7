using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Measures how long one instance takes for one picture when it has enough to do. While pictures wait all running
/// instances are busy, so the instance-seconds between two looks, divided by the results that came meanwhile, are the
/// service time. Until enough results came so, the nodes' own records count, and before them a default. Where no result comes
/// for long the instances have nothing to do, whatever lagging counts say, and the time does not count.
/// </summary>
/// <param name="assumed">The service time until something is measured.</param>
internal sealed class ServiceMeter(TimeSpan assumed)
{
    // Results come ten at a time, so few of them say little.
    private const int LeastResultsPerInstance = 30;
    private const int Remembered = 2000;
    private const int RememberedRates = 20;
    private const int QuietPictures = 10;
    private static readonly TimeSpan LeastQuiet = TimeSpan.FromSeconds(5);

    private readonly Queue<double> _rates = [];
    private DateTimeOffset? _lastLook;
    private DateTimeOffset _quietSince;
    private int _lastRunning;
    private bool _lastWaiting;
    private int _results;
    private double _openSeconds;
    private double _measuredSeconds;
    private double _measuredResults;
    private TimeSpan? _service;
    private TimeSpan? _byRecords;

    /// <summary>The service time as far as it is known.</summary>
    public TimeSpan ServiceTime => _service ?? _byRecords ?? assumed;

    /// <summary>A result came.</summary>
    public void JobDone() => _results++;

    /// <summary>A node said how many pictures it does in a second.</summary>
    public void Heard(NodeRecord record)
    {
        if (record.PicturesPerSecond is not (> 0 and var rate) || !double.IsFinite(rate)) return;
        _rates.Enqueue(rate);
        if (_rates.Count > RememberedRates) _rates.Dequeue();
        _byRecords = TimeSpan.FromSeconds(1 / Median.Of(_rates));
    }

    /// <summary>The scaler looked.</summary>
    public void Looked(int running, bool waiting, DateTimeOffset now)
    {
        // Where an instance came or went between two looks, no one knows how long it was there.
        var isSteady = _lastWaiting && waiting && running > 0 && running == _lastRunning;
        if (!isSteady) _quietSince = now;
        var isBusy = isSteady && now - _quietSince <= LongestQuiet;
        if (_results > 0) _quietSince = now;
        if (_lastLook is { } last && isBusy)
        {
            // Between looks that are closer together than results there often is none, but the work goes on.
            _openSeconds += (now - last).TotalSeconds * running;
            if (_results > 0) Add(_openSeconds, running);
        }

        if (!isBusy || _results > 0) _openSeconds = 0;
        _results = 0;
        _lastLook = now;
        _lastRunning = running;
        _lastWaiting = waiting;
    }

    private TimeSpan LongestQuiet =>
        ServiceTime * QuietPictures is var quiet && quiet > LeastQuiet ? quiet : LeastQuiet;

    private void Add(double instanceSeconds, int running)
    {
        _measuredSeconds += instanceSeconds;
        _measuredResults += _results;
        if (_measuredSeconds > 0 && _measuredResults >= LeastResultsPerInstance * running)
            _service = TimeSpan.FromSeconds(_measuredSeconds / _measuredResults);
        if (_measuredResults <= Math.Max(Remembered, 2 * LeastResultsPerInstance * running)) return;
        _measuredSeconds /= 2;
        _measuredResults /= 2;
    }
}
