using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Measures the service time: how long one busy instance takes for one picture. While pictures wait, all running
/// instances are busy. So the instance-seconds between two observations, divided by the results in between, are the
/// service time.
/// </summary>
/// <remarks>
/// Before there are enough results, the rates in the nodes' records count, and before those a default. If no result
/// comes for long, the instances are idle although lagging counts show waiting pictures. That time is not counted.
/// </remarks>
/// <param name="assumed">The service time before anything is measured.</param>
internal sealed class ServiceMeter(TimeSpan assumed)
{
    // Results arrive ten at a time, so a few of them prove little.
    private const int MinResultsPerInstance = 30;
    private const int MaxResults = 2000;
    private const int MaxRates = 20;
    private const int IdleAfterPictures = 10;
    private static readonly TimeSpan MinIdle = TimeSpan.FromSeconds(5);

    private readonly Queue<double> _rates = [];
    private DateTimeOffset? _lastObservationAt;
    private DateTimeOffset _noResultSince;
    private int _lastRunning;
    private bool _lastWaiting;
    private int _results;
    private double _pendingSeconds;
    private double _measuredSeconds;
    private double _measuredResults;
    private TimeSpan? _service;
    private TimeSpan? _fromRecords;

    /// <summary>The service time: measured, from records, or assumed.</summary>
    public TimeSpan ServiceTime => _service ?? _fromRecords ?? assumed;

    /// <summary>Counts a result.</summary>
    public void JobDone() => _results++;

    /// <summary>Adds the rate that a node reports.</summary>
    public void AddNodeRate(NodeRecord record)
    {
        if (record.PicturesPerSecond is not (> 0 and var rate) || !double.IsFinite(rate)) return;
        _rates.Enqueue(rate);
        if (_rates.Count > MaxRates) _rates.Dequeue();
        _fromRecords = TimeSpan.FromSeconds(1 / Median.Of(_rates));
    }

    /// <summary>Adds an observation.</summary>
    public void AddObservation(int running, bool waiting, DateTimeOffset now)
    {
        // If the number of instances changed between two observations, the instance-seconds are unknown.
        var isSteady = _lastWaiting && waiting && running > 0 && running == _lastRunning;
        if (!isSteady) _noResultSince = now;
        var isBusy = isSteady && now - _noResultSince <= IdleAfter;
        if (_results > 0) _noResultSince = now;
        if (_lastObservationAt is { } last && isBusy)
        {
            // Frequent observations often have no result in between. Their time counts towards the next result.
            _pendingSeconds += (now - last).TotalSeconds * running;
            if (_results > 0) Add(_pendingSeconds, running);
        }

        if (!isBusy || _results > 0) _pendingSeconds = 0;
        _results = 0;
        _lastObservationAt = now;
        _lastRunning = running;
        _lastWaiting = waiting;
    }

    private TimeSpan IdleAfter =>
        ServiceTime * IdleAfterPictures is var idle && idle > MinIdle ? idle : MinIdle;

    private void Add(double instanceSeconds, int running)
    {
        _measuredSeconds += instanceSeconds;
        _measuredResults += _results;
        if (_measuredSeconds > 0 && _measuredResults >= MinResultsPerInstance * running)
            _service = TimeSpan.FromSeconds(_measuredSeconds / _measuredResults);
        if (_measuredResults <= Math.Max(MaxResults, 2 * MinResultsPerInstance * running)) return;
        _measuredSeconds /= 2;
        _measuredResults /= 2;
    }
}
