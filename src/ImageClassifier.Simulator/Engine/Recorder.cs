using System.Collections;
using System.Runtime.InteropServices;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Records a run: the latency of each result, and a sample of the state every second.</summary>
/// <param name="arrivals">The arrivals of the pictures, in ticks.</param>
/// <param name="deadline">The run may stop once a result takes longer, in ticks.</param>
internal sealed class Recorder(long[] arrivals, long deadline)
{
    /// <summary>The interval between two samples, in ticks.</summary>
    public const long SampleTicks = TimeSpan.TicksPerSecond;

    private readonly BitArray _hasResult = new(arrivals.Length);
    private readonly long[] _latencies = new long[arrivals.Length];
    private readonly List<Sample> _samples = [];

    /// <summary>The number of pictures with a result.</summary>
    public int Results { get; private set; }

    /// <summary>True if a result missed the deadline.</summary>
    public bool MissedDeadline { get; private set; }

    /// <summary>The time of the last result, in ticks.</summary>
    public long LastResultAt { get; private set; }

    /// <summary>The latencies in ticks, in the order of the results.</summary>
    public long[] Latencies => _latencies;

    /// <summary>The samples, one a second from the first arrival.</summary>
    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>The time of the next sample, in ticks.</summary>
    public long NextSampleAt => arrivals.Length == 0 ? long.MaxValue : arrivals[0] + _samples.Count * SampleTicks;

    /// <summary>Records the result of a picture.</summary>
    /// <exception cref="InvalidOperationException">The picture already has a result, which is a fault of the
    /// model.</exception>
    public void OnResult(int picture, long now)
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

/// <summary>The state at a time.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Sample(int Waiting, int InFlight, int Booting, int Running, int Wanted, int Results);
