using CsvHelper;
using ImageClassifier.Simulator.Engine;

namespace ImageClassifier.Simulator.Reports;

/// <summary>The state of a run over time: a row for each second, or for each longer step of a long run.</summary>
/// <param name="StepSeconds">The time between two rows.</param>
/// <param name="Rows">The rows, from the first arrival.</param>
public sealed record Timeline(int StepSeconds, IReadOnlyList<TimelineRow> Rows)
{
    private const int MostRows = 3600;
    private static readonly int[] Steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400];

    private static readonly string[] Names =
        ["seconds", "waiting", "inFlight", "booting", "running", "wanted", "results", "p50Seconds", "p99Seconds"];

    /// <summary>Writes runs as CSV, after a line of names. An interval without results has no latencies.</summary>
    /// <param name="output">The destination.</param>
    /// <param name="runs">The runs. If there are several, the first column has their names.</param>
    public static void WriteCsv(TextWriter output, IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        using var csv = CsvWriter.Create(output, new CsvWriterOptions { NewLine = "\n" }, leaveOpen: true);
        var isNamed = runs.Count > 1;
        csv.WriteHeader(isNamed ? ["run", .. Names] : Names);
        foreach (var (name, report) in runs)
        {
            foreach (var row in report.Timeline.Rows)
            {
                if (isNamed) csv.WriteField(name);
                Write(csv, row);
            }
        }
    }

    private static void Write(CsvWriter csv, TimelineRow row)
    {
        csv.WriteField(row.Seconds);
        csv.WriteField(row.Waiting);
        csv.WriteField(row.InFlight);
        csv.WriteField(row.Booting);
        csv.WriteField(row.Running);
        csv.WriteField(row.Wanted);
        csv.WriteField(row.Results);
        csv.WriteField(row.P50Seconds);
        csv.WriteField(row.P99Seconds);
        csv.EndRecord();
    }

    internal static Timeline Create(Recorder recorder)
    {
        var samples = recorder.Samples;
        var step = Steps.FirstOrDefault(step => samples.Count / step <= MostRows, Steps[^1]);
        var rows = new List<TimelineRow>(samples.Count / step + 2);
        var seen = 0;
        for (var at = 0; at < samples.Count; at += step)
        {
            var sample = samples[at];
            rows.Add(Row(at, sample, recorder.Latencies.AsSpan(seen, sample.Results - seen)));
            seen = sample.Results;
        }

        if ((samples.Count - 1) % step != 0)
            rows.Add(Row(samples.Count - 1, samples[^1], recorder.Latencies.AsSpan(seen, samples[^1].Results - seen)));
        return new Timeline(step, rows);
    }

    private static TimelineRow Row(int seconds, Sample sample, ReadOnlySpan<long> latencies)
    {
        double? p50 = null, p99 = null;
        if (latencies.Length > 0)
        {
            var sorted = latencies.ToArray();
            Array.Sort(sorted);
            p50 = TimeSpan.FromTicks(Percentile.OfSorted(sorted, 0.5)).TotalSeconds;
            p99 = TimeSpan.FromTicks(Percentile.OfSorted(sorted, 0.99)).TotalSeconds;
        }

        return new TimelineRow(
            seconds, sample.Waiting, sample.InFlight, sample.Booting, sample.Running, sample.Wanted, latencies.Length,
            p50, p99);
    }
}

/// <summary>The state at a time, and the results since the row before.</summary>
/// <param name="Seconds">The time from the first arrival.</param>
/// <param name="Waiting">The number of waiting pictures.</param>
/// <param name="InFlight">The number of pictures under lease.</param>
/// <param name="Booting">The number of booting instances.</param>
/// <param name="Running">The number of instances that receive jobs.</param>
/// <param name="Wanted">The number of wanted instances.</param>
/// <param name="Results">The number of results since the row before.</param>
/// <param name="P50Seconds">The median latency of those results; null if there are none.</param>
/// <param name="P99Seconds">The 99th percentile of their latency.</param>
public sealed record TimelineRow(
    int Seconds, int Waiting, int InFlight, int Booting, int Running, int Wanted, int Results, double? P50Seconds,
    double? P99Seconds);
