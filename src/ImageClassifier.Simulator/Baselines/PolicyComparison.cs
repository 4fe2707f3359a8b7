using System.Globalization;
using System.Text;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Baselines;

/// <summary>The policies on the same load, beside AWS's target tracking and an oracle.</summary>
public sealed record PolicyComparison
{
    /// <summary>The default loads of the comparison.</summary>
    public static IReadOnlyList<string> StandardLoads { get; } =
        ["burst:300", "burst:5000", "diurnal:5/s", "burst:1000@0,1000@90"];

    /// <summary>The load in the user's notation.</summary>
    public required string Load { get; init; }

    /// <summary>The fewest instances that finish the backlog within the target.</summary>
    public required SimulationReport Latency { get; init; }

    /// <summary>One instance for a number of waiting pictures.</summary>
    public required SimulationReport PerImage { get; init; }

    /// <summary>AWS's backlog per instance.</summary>
    public required SimulationReport TargetTracking { get; init; }

    /// <summary>A schedule that knows all arrivals.</summary>
    public required SimulationReport Oracle { get; init; }

    /// <summary>Runs all four.</summary>
    /// <param name="model">The deployment. The policy in its settings is ignored.</param>
    /// <param name="load">The load.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="progress">Receives the completed share from time to time.</param>
    /// <param name="cancellation">Stops the comparison.</param>
    /// <exception cref="SimulationStuckException">A run does not end.</exception>
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
        // The oracle makes most of the runs, and their number is not known before.
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

    /// <summary>True if the load lasts so long that its last result means little. Then the 99th percentile is
    /// compared.</summary>
    public bool IsSteady => Latency.LastResultSeconds > TimeSpan.FromHours(1).TotalSeconds;

    /// <summary>The compared latency in seconds: the last result, or the 99th percentile.</summary>
    public double SecondsOf(SimulationReport report) => IsSteady ? report.P99Seconds : report.LastResultSeconds;

    /// <summary>A table in Markdown. The parentheses after each figure have its ratio to the oracle's.</summary>
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
