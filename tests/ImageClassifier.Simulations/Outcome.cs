using System.Globalization;
using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Simulations.Cloud;

namespace ImageClassifier.Simulations;

/// <summary>The outcome of a simulation, as the simulated cloud and the clients recorded it.</summary>
internal sealed class Outcome(
    Scenario scenario,
    DateTimeOffset start,
    int maxInstances,
    SimulatedFleet fleet,
    IReadOnlyList<Upload> uploads,
    IReadOnlyList<FleetSample> samples,
    World world,
    IReadOnlyList<string> log,
    TimeSpan took)
{
    public Scenario Scenario { get; } = scenario;

    public IReadOnlyList<SimulatedInstance> Instances { get; } = fleet.Instances;

    public IReadOnlyList<Upload> Uploads { get; } = uploads;

    public IReadOnlyList<FleetSample> Samples { get; } = samples;

    public IReadOnlyList<string> Log { get; } = log;

    public int MaxInstances { get; } = maxInstances;

    public int MostLiving { get; } = fleet.MostLiving;

    public int StillLiving { get; } = fleet.Living;

    public World World { get; } = world;

    public int Pictures => Uploads.Sum(upload => upload.Manifest.Jobs.Count);

    /// <summary>The launch calls: when, since the beginning, and for how many instances.</summary>
    public IReadOnlyList<(TimeSpan At, int Count)> Launches { get; } =
        [.. fleet.Calls.Select(call => (call.At - start, call.Count))];

    /// <summary>The time from the beginning to the last result that a client received.</summary>
    public TimeSpan LastResult => Uploads.SelectMany(upload => upload.Received).Max(seen => seen.At) - start;

    /// <summary>The lifetimes of all instances together.</summary>
    public double InstanceHours =>
        Instances.Sum(instance => ((instance.EndedAt ?? World.Now) - instance.LaunchedAt).TotalHours);

    /// <summary>The latency of each picture from upload to its client's result, in seconds, sorted.</summary>
    public IReadOnlyList<double> Latencies =>
    [
        .. Uploads.SelectMany(upload => upload.Received
                .GroupBy(seen => seen.Result.JobId)
                .Select(seen => (seen.Min(one => one.At) - upload.Manifest.SubmittedAt).TotalSeconds))
            .Order(),
    ];

    /// <summary>The time since the beginning.</summary>
    public TimeSpan Since(DateTimeOffset at) => at - start;

    /// <summary>The results in the store, with the time of storing.</summary>
    public IEnumerable<(JobResult Result, DateTimeOffset At)> StoredResults =>
        World.Store.ListAsync(ObjectKeys.Results, CancellationToken.None).ToBlockingEnumerable()
            .Where(listing => !listing.Key.EndsWith("/model.json", StringComparison.Ordinal))
            .Select(listing => (World.Store.DocumentAt<JobResult>(listing.Key)!, listing.LastModified));

    /// <summary>The stored result of a job; null if there is none.</summary>
    public JobResult? StoredResult(Upload upload, Core.JobId job) =>
        World.Store.DocumentAt<JobResult>(ObjectKeys.Result(upload.Batch, job));

    /// <summary>Describes the run, for the message of a failed test.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        var latencies = Latencies;
        text.AppendLine(Seeds.Describe(Scenario.Cloud.Seed));
        if (latencies.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{Pictures} pictures, last result after {LastResult.TotalSeconds:0.0} s, median"
                + $" {latencies[latencies.Count / 2]:0.0} s, {Instances.Count} launched, {MostLiving} at most at once,"
                + $" {InstanceHours:0.000} instance-hours; simulated in {took.TotalSeconds:0.0} s.");
        }

        foreach (var (at, count) in Launches)
            text.AppendLine(CultureInfo.InvariantCulture, $"launch of {count} at {at.TotalSeconds:0.00} s");
        foreach (var instance in Instances)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{instance.Id}: launched {Since(instance.LaunchedAt).TotalSeconds:0.0},"
                + $" up {(instance.NodeStartedAt is { } up ? Since(up).TotalSeconds : double.NaN):0.0},"
                + $" ended {(instance.EndedAt is { } ended ? Since(ended).TotalSeconds : double.NaN):0.0}"
                + $" {instance.End}, {instance.InHandAtEnd} in hand");
        }

        foreach (var line in Log.Take(400)) text.AppendLine(line);
        return text.ToString();
    }
}
