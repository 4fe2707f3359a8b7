using System.Collections;
using System.Runtime.InteropServices;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Writes down what a run shows: how long each result took, and once a second what there is.</summary>
/// <param name="arrivals">When pictures arrive, in ticks.</param>
/// <param name="deadline">The run is of no interest once a result takes longer, in ticks.</param>
internal sealed class Recorder(long[] arrivals, long deadline)
{
    /// <summary>From one sample to the next, in ticks.</summary>
    public const long SampleTicks = TimeSpan.TicksPerSecond;

    private readonly BitArray _hasResult = new(arrivals.Length);
    private readonly long[] _latencies = new long[arrivals.Length];
    private readonly List<Sample> _samples = [];

    /// <summary>How many pictures have their result.</summary>
    public int Results { get; private set; }

    /// <summary>Whether a result missed the deadline.</summary>
    public bool MissedDeadline { get; private set; }

    /// <summary>When the last result came, in ticks.</summary>
    public long LastResultAt { get; private set; }

    /// <summary>How long the results took that there are, in ticks, in the order in which they came.</summary>
    public long[] Latencies => _latencies;

    /// <summary>What there was, once a second from the first arrival.</summary>
    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>When the next sample is due, in ticks.</summary>
    public long NextSampleAt => arrivals.Length == 0 ? long.MaxValue : arrivals[0] + _samples.Count * SampleTicks;

    /// <summary>A picture has its result.</summary>
    /// <exception cref="InvalidOperationException">It had one before, which the model must never do.</exception>
    public void ResultCame(int picture, long now)
    {
        if (_hasResult[picture]) throw new InvalidOperationException($"Picture {picture} has two results.");
        _hasResult[picture] = true;
        var latency = now - arrivals[picture];
        _latencies[Results++] = latency;
        if (latency > deadline) MissedDeadline = true;
        LastResultAt = now;
    }

    /// <summary>Takes the sample that is due.</summary>
    public void Take(Cloud cloud) => _samples.Add(new Sample(
        cloud.Queue.Waiting, cloud.Queue.InFlight, cloud.Fleet.Booting, cloud.Fleet.Running, cloud.Launcher.Wanted,
        Results));
}

/// <summary>What there is at a moment.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Sample(int Waiting, int InFlight, int Booting, int Running, int Wanted, int Results);
