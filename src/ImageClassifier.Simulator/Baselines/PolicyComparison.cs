using System.Globalization;
using System.Text;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Baselines;

/// <summary>The policies side by side on the same load, with AWS's target tracking and an oracle beside them.</summary>
public sealed record PolicyComparison
{
    /// <summary>The loads that the policies are judged by, unless others are given.</summary>
    public static IReadOnlyList<string> StandardLoads { get; } =
        ["burst:300", "burst:5000", "diurnal:5/s", "burst:1000@0,1000@90"];

    /// <summary>The load, as it was written.</summary>
    public required string Load { get; init; }

    /// <summary>As few instances as have what waits done within the target.</summary>
    public required SimulationReport Latency { get; init; }

    /// <summary>One instance for so many waiting pictures.</summary>
    public required SimulationReport PerImage { get; init; }

    /// <summary>AWS's backlog per instance.</summary>
    public required SimulationReport TargetTracking { get; init; }

    /// <summary>Who knows all arrivals.</summary>
    public required SimulationReport Oracle { get; init; }

    /// <summary>Runs all four.</summary>
    /// <param name="model">The deployment; which policy its settings name makes no difference.</param>
    /// <param name="load">The load.</param>
    /// <param name="seed">What all that is drawn follows from.</param>
    /// <param name="progress">Told now and then what part is done.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="SimulationStuckException">A run does not come to an end.</exception>
    public static PolicyComparison Run(
        SimulationModel model,
        Load load,
        int seed,
        Action<double>? progress = null,
        CancellationToken cancellation = default)
    {
        var scaling = model.Scaling;
        var arrivals = load.Draw(seed);
        SimulationReport With(Func<TimeProvider, ScalingPolicy> policy) =>
            Simulation.Run(model, arrivals, seed, policy, cancellation: cancellation);

        var latency = With(_ => new LatencyPolicy(scaling.Latency.Target, scaling.MaxInstances));
        var perImage = With(_ => new PerImagePolicy(scaling.PicturesPerInstance, scaling.MaxInstances));
        var tracking = With(time =>
            new TargetTracking(scaling.Latency.Target, model.Service.Median, scaling.MaxInstances, time));
        // By far the most runs are the oracle's, and no one knows how many.
        progress?.Invoke(0.1);
        var oracle = Baselines.Oracle.Run(
            model, arrivals, seed, [latency.Launched, perImage.Launched, tracking.Launched], cancellation);
        progress?.Invoke(1);
        return new PolicyComparison
        {
            Load = load.Text,
            Latency = latency,
            PerImage = perImage,
            TargetTracking = tracking,
            Oracle = oracle,
        };
    }

    /// <summary>Whether the load goes on so long that the last result says nothing; then the 99th percentile is looked
    /// at.</summary>
    public bool IsSteady => Latency.LastResultSeconds > TimeSpan.FromHours(1).TotalSeconds;

    /// <summary>What a report is judged by besides its cost, in seconds: the last result, or the 99th
    /// percentile.</summary>
    public double SecondsOf(SimulationReport report) => IsSteady ? report.P99Seconds : report.LastResultSeconds;

    /// <summary>A table in Markdown; behind each figure, in parentheses, what part of the oracle's it is.</summary>
    public static string ToMarkdown(IEnumerable<PolicyComparison> comparisons)
    {
        var text = new StringBuilder()
            .Append("| load | | latency | per-image | target tracking | oracle |\n")
            .Append("| --- | --- | ---: | ---: | ---: | ---: |\n");
        foreach (var comparison in comparisons)
        {
            Row(comparison, comparison.IsSteady ? "p99, s" : "last result, s", comparison.SecondsOf, "0.0");
            Row(comparison, "instance-hours", report => report.InstanceHours, "0.000");
            Row(comparison, "cost, $", report => report.Cost, "0.0000");
            Row(comparison, "most instances", report => report.PeakInstances, "0");
        }

        return text.ToString();

        void Row(PolicyComparison of, string name, Func<SimulationReport, double> value, string format)
        {
            string Figure(SimulationReport report) => value(report).ToString(format, CultureInfo.InvariantCulture);
            string WithRatio(SimulationReport report) => string.Create(
                CultureInfo.InvariantCulture, $"{Figure(report)} ({value(report) / value(of.Oracle):0.00})");
            text.Append($"| `{of.Load}` | {name} | {WithRatio(of.Latency)} | {WithRatio(of.PerImage)}")
                .Append($" | {WithRatio(of.TargetTracking)} | {Figure(of.Oracle)} |\n");
        }
    }
}
