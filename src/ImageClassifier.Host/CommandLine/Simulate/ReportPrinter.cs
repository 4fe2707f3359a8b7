using System.Globalization;
using ImageClassifier.Simulator.Reports;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>Prints runs for people: a table, and below it the history of the fleet.</summary>
internal sealed class ReportPrinter(TextWriter output, int? width)
{
    private const int FirstLines = 9;
    private const int LastLines = 6;

    /// <summary>Prints a run, or several runs side by side.</summary>
    public void Print(IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        ToTable(runs).Write(output, width);
        foreach (var (name, report) in runs) PrintStory(runs.Count > 1 ? $"{name}: " : "", report);
    }

    private static Table ToTable(IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn(new TableColumn(Plain(runs[0].Report.Load)));
        foreach (var (name, _) in runs) table.AddColumn(new TableColumn(runs.Count > 1 ? name : "").RightAligned());
        Row("pictures", report => Number(report.Pictures, "0"));
        Row("last result after", report => Seconds(report.LastResultSeconds));
        Row("half of the results within", report => Seconds(report.P50Seconds));
        Row("90 % within", report => Seconds(report.P90Seconds));
        Row("99 % within", report => Seconds(report.P99Seconds));
        Row("the slowest", report => Seconds(report.MaxSeconds));
        Row("instances at most", report => Number(report.PeakInstances, "0"));
        Row("on average, while any lives", report => Number(report.MeanInstances, "0.##"));
        Row("launches", report => Number(report.Launches, "0"));
        Row("instance-hours", report => Number(report.InstanceHours, "0.000"));
        Row("cost", report => $"$ {Number(report.Cost, "0.0000")}");
        Row("cost of a million pictures", report => $"$ {Number(report.CostPerMillion, "0.00")}");
        return table;

        void Row(string name, Func<SimulationReport, string> value) =>
            table.AddRow([Plain(name), .. runs.Select(run => Plain(value(run.Report)))]);
    }

    private void PrintStory(string prefix, SimulationReport report)
    {
        Decision[] shown = [.. report.Decisions.Where(decision => decision.Launched > 0 || decision.Wanted > 0)];
        var hidden = Math.Max(0, shown.Length - FirstLines - LastLines);
        foreach (var decision in shown.Take(hidden > 0 ? FirstLines : shown.Length)) Tell(decision);
        if (hidden > 0) output.WriteLine($"{prefix}... and {hidden} more decisions");
        foreach (var decision in hidden > 0 ? shown.TakeLast(LastLines) : []) Tell(decision);
        output.WriteLine($"{prefix}{At(report.AtZeroSeconds)}  The fleet is at zero.");

        void Tell(Decision decision) => output.WriteLine($"{prefix}{At(decision.AtSeconds)}  {decision.Reason}");
    }

    private static string At(double seconds) => Seconds(seconds).PadLeft(10);

    private static string Seconds(double seconds) => $"{Number(seconds, "0.00")} s";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
