using System.Text.Json.Serialization;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Reports;

/// <summary>The outcome of a simulated run.</summary>
public sealed record SimulationReport
{
    /// <summary>The load in the user's notation.</summary>
    public required string Load { get; init; }

    /// <summary>The number of pictures. Each has one result.</summary>
    public required int Pictures { get; init; }

    /// <summary>The time from the first arrival to the last result.</summary>
    public required double LastResultSeconds { get; init; }

    /// <summary>The time from the first arrival until the fleet is at zero again.</summary>
    public required double AtZeroSeconds { get; init; }

    /// <summary>The median latency.</summary>
    public required double P50Seconds { get; init; }

    /// <summary>The 90th percentile of the latency.</summary>
    public required double P90Seconds { get; init; }

    /// <summary>The 99th percentile of the latency.</summary>
    public required double P99Seconds { get; init; }

    /// <summary>The largest latency.</summary>
    public required double MaxSeconds { get; init; }

    /// <summary>The most instances that lived at once, including booting ones.</summary>
    public required int PeakInstances { get; init; }

    /// <summary>The mean number of live instances, over the time in which there were any.</summary>
    public required double MeanInstances { get; init; }

    /// <summary>The number of launched instances.</summary>
    public required int Launches { get; init; }

    /// <summary>The billed hours, from launch to end, with the minimum charge.</summary>
    public required double InstanceHours { get; init; }

    /// <summary>The cost of the run, in dollars.</summary>
    public required double Cost { get; init; }

    /// <summary>The cost of a million pictures at that price, in dollars.</summary>
    public required double CostPerMillion { get; init; }

    /// <summary>The state over time.</summary>
    [JsonIgnore]
    public Timeline Timeline { get; init; } = new(1, []);

    /// <summary>The decisions of the scaler that the log would show.</summary>
    public required IReadOnlyList<Decision> Decisions { get; init; }

    /// <summary>The launches, in order.</summary>
    internal IReadOnlyList<ScheduledLaunch> Launched { get; init; } = [];

    internal static SimulationReport Create(Cloud cloud, Arrivals arrivals)
    {
        var recorder = cloud.Recorder;
        var first = arrivals.Ticks[0];
        var timeline = Timeline.Create(recorder);
        var latencies = recorder.Latencies;
        // Only the timeline needs the latencies in the order of the results.
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
/// <param name="AtSeconds">The time of the decision, from the first arrival; negative before it.</param>
/// <param name="Waiting">The number of waiting pictures.</param>
/// <param name="Wanted">The number of wanted instances.</param>
/// <param name="Launched">The number of launched instances.</param>
/// <param name="Reason">The reason, as sentences.</param>
public sealed record Decision(double AtSeconds, int Waiting, int Wanted, int Launched, string Reason)
{
    internal static Decision Create(DecisionRecord record, long first) => new(
        TimeSpan.FromTicks(Cloud.Ticks(record.At) - first).TotalSeconds,
        record.Snapshot.Waiting, record.Wanted, record.Launched, record.Reason);
}
