using System.Text.Json.Serialization;
using ImageClassifier.Simulator.Baselines;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Reports;

/// <summary>What a simulated run came to.</summary>
public sealed record SimulationReport
{
    /// <summary>The load, as it was written.</summary>
    public required string Load { get; init; }

    /// <summary>How many pictures there were; each has one result.</summary>
    public required int Pictures { get; init; }

    /// <summary>From the first arrival to the last result.</summary>
    public required double LastResultSeconds { get; init; }

    /// <summary>From the first arrival until the fleet was at zero again.</summary>
    public required double AtZeroSeconds { get; init; }

    /// <summary>Half of the results came at least as soon after their arrival.</summary>
    public required double P50Seconds { get; init; }

    /// <summary>Nine of ten results came at least as soon.</summary>
    public required double P90Seconds { get; init; }

    /// <summary>Of a hundred results 99 came at least as soon.</summary>
    public required double P99Seconds { get; init; }

    /// <summary>The slowest.</summary>
    public required double MaxSeconds { get; init; }

    /// <summary>The most instances that lived at once, booting ones included.</summary>
    public required int PeakInstances { get; init; }

    /// <summary>How many lived on average, while any did.</summary>
    public required double MeanInstances { get; init; }

    /// <summary>How many were launched.</summary>
    public required int Launches { get; init; }

    /// <summary>What is billed, from launch to end, with the minimum charge.</summary>
    public required double InstanceHours { get; init; }

    /// <summary>What that costs, in dollars.</summary>
    public required double Cost { get; init; }

    /// <summary>What a million pictures cost so.</summary>
    public required double CostPerMillion { get; init; }

    /// <summary>What there was, over time.</summary>
    [JsonIgnore]
    public Timeline Timeline { get; init; } = new(1, []);

    /// <summary>The decisions of the scaler that the log would show.</summary>
    public required IReadOnlyList<Decision> Decisions { get; init; }

    /// <summary>When how many were launched.</summary>
    internal IReadOnlyList<ScheduledLaunch> Launched { get; init; } = [];

    internal static SimulationReport Create(Cloud cloud, Arrivals arrivals)
    {
        var recorder = cloud.Recorder;
        var first = arrivals.Ticks[0];
        var timeline = Timeline.Create(recorder);
        var latencies = recorder.Latencies;
        // The timeline needed them in their order; nothing does any more.
        Array.Sort(latencies);
        var hours = cloud.Fleet.BilledHours;
        var cost = hours * cloud.Model.Price.PerHour;
        return new SimulationReport
        {
            Load = arrivals.Name,
            Pictures = recorder.Results,
            LastResultSeconds = Seconds(recorder.LastResultAt - first),
            AtZeroSeconds = Seconds(cloud.Events.Now - first),
            P50Seconds = Seconds(Percentile.OfSorted(latencies, 0.5)),
            P90Seconds = Seconds(Percentile.OfSorted(latencies, 0.9)),
            P99Seconds = Seconds(Percentile.OfSorted(latencies, 0.99)),
            MaxSeconds = Seconds(latencies[^1]),
            PeakInstances = cloud.Fleet.Peak,
            MeanInstances = cloud.Fleet.Mean,
            Launches = cloud.Fleet.Nodes.Count,
            InstanceHours = hours,
            Cost = cost,
            CostPerMillion = cost / recorder.Results * 1_000_000,
            Timeline = timeline,
            Launched =
            [
                .. from node in cloud.Fleet.Nodes
                   group node by node.LaunchedAt into together
                   select new ScheduledLaunch(together.Key, together.Count()),
            ],
            Decisions = [.. cloud.Launcher.Decisions.Select(decision => Decision.Create(decision, first))],
        };
    }

    private static double Seconds(long ticks) => TimeSpan.FromTicks(ticks).TotalSeconds;
}

/// <summary>A decision of the scaler.</summary>
/// <param name="AtSeconds">When it was first taken, from the first arrival; negative before it.</param>
/// <param name="Waiting">What waited.</param>
/// <param name="Wanted">How many instances were wanted.</param>
/// <param name="Launched">How many were launched.</param>
/// <param name="Reason">Why, as sentences.</param>
public sealed record Decision(double AtSeconds, int Waiting, int Wanted, int Launched, string Reason)
{
    internal static Decision Create(DecisionRecord record, long first) => new(
        TimeSpan.FromTicks(Cloud.Ticks(record.At) - first).TotalSeconds,
        record.Snapshot.Waiting, record.Wanted, record.Launched, record.Reason);
}
