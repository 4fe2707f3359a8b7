using System.Globalization;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using Spectre.Console;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>The verb <c>simulate</c>: what a load would come to with the settings that are to be deployed, or with two of
/// them side by side. It needs no credentials, and nothing is started.</summary>
/// <param name="output">Standard output: a table and the decisions, or one JSON document.</param>
/// <param name="error">Standard error: the progress bar, where it is a terminal.</param>
public sealed class SimulateVerb(TextWriter output, TextWriter error)
{
    private const int DecisionsShown = 15;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Runs it.</summary>
    /// <returns><see cref="ExitCodes.Done"/>, or <see cref="ExitCodes.SomeFailed"/> where it was stopped or comes to no
    /// end.</returns>
    /// <exception cref="InvalidSettingException">A setting or an option is not usable; nothing was printed.</exception>
    public int Run(SimulateOptions options, CancellationToken cancellation)
    {
        var arrivals = Load.Parse("--load", options.Load).Draw(options.Seed);
        Variant[] variants = options.Compare is { } compared
            ? [new("a", options.Settings), new(compared, Compared(options.Settings, compared))]
            : [new("a", options.Settings)];
        SimulationModel[] models = [.. variants.Select(variant => CreateModel(variant.Settings, options))];
        try
        {
            SimulationReport[] reports =
                [.. models.Select(model => RunOne(model, arrivals, options.Seed, cancellation))];
            if (options.Timeline is { } file) WriteTimeline(file, reports[0].Timeline);
            if (options.Json) PrintJson(reports);
            else PrintTable(variants, reports);
            return ExitCodes.Done;
        }
        catch (SimulationStuckException stuck)
        {
            error.WriteLine(stuck.Message);
            return ExitCodes.SomeFailed;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCodes.SomeFailed;
        }
    }

    /// <summary>A setting is added to the others; a file takes the place of <c>--config</c>.</summary>
    private static SettingsSources Compared(SettingsSources settings, string compared) => compared.Contains('=')
        ? settings with { Assignments = [.. settings.Assignments, compared] }
        : settings with { ConfigFile = compared };

    private static SimulationModel CreateModel(SettingsSources settings, SimulateOptions options)
    {
        var model = SimulationModel.Create(ProgramSettings.Load(ProgramRole.Web, settings));
        var charge = model.Price with
        {
            PerHour = options.Price is { } price ? ParsePrice(price) : model.Price.PerHour,
            MinimumCharge = options.MinimumCharge is { } text ? ParseTime("--minimum-charge", text) : model.Price.MinimumCharge,
        };
        return model with
        {
            Price = charge,
            Boot = options.Boot is { } boot ? DrawnTime.Parse("--boot", boot) : model.Boot,
            Service = options.ServiceTime is { } service ? DrawnTime.Parse("--service-time", service) : model.Service,
        };
    }

    private static double ParsePrice(string text) => Units.TryParseNumber(text, out var price)
        ? price
        : throw new InvalidSettingException("--price", text, "allowed is a number of dollars, 0 or more");

    private static TimeSpan ParseTime(string option, string text) => Units.TryParseTime(text, out var time)
        ? time
        : throw new InvalidSettingException(option, text, "allowed is a time such as 60s");

    private SimulationReport RunOne(
        SimulationModel model, Arrivals arrivals, int seed, CancellationToken cancellation)
    {
        if (Console.IsErrorRedirected) return Simulation.Run(model, arrivals, seed, cancellation: cancellation);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        return console.Progress().AutoClear(true).Start(context =>
        {
            var task = context.AddTask($"{arrivals.Count} pictures", maxValue: 1);
            return Simulation.Run(
                model, arrivals, seed, progress: done => task.Value = done, cancellation: cancellation);
        });
    }

    private static void WriteTimeline(string file, Timeline timeline)
    {
        try
        {
            using var writer = new StreamWriter(file);
            timeline.WriteCsv(writer);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException("--timeline", file, $"the file cannot be written ({failure.Message})", failure);
        }
    }

    private void PrintJson(SimulationReport[] reports) => output.WriteLine(reports is [var only]
        ? JsonSerializer.Serialize(Figures.Of(only), Json)
        : JsonSerializer.Serialize(new { A = Figures.Of(reports[0]), B = Figures.Of(reports[1]) }, Json));

    private void PrintTable(Variant[] variants, SimulationReport[] reports)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        var table = new Table().AddColumn(Markup.Escape(reports[0].Load));
        foreach (var variant in variants) table.AddColumn(new TableColumn(Markup.Escape(variant.Name)).RightAligned());
        foreach (var (name, figure) in Rows)
            table.AddRow([name, .. reports.Select(report => figure(report).ToString("#,0.###", CultureInfo.InvariantCulture))]);
        console.Write(table);
        foreach (var decision in reports[0].Decisions.TakeLast(DecisionsShown))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{decision.AtSeconds,9:0.0} s  {decision.Reason}"));
    }

    private static readonly (string Name, Func<SimulationReport, double> Figure)[] Rows =
    [
        ("pictures", report => report.Pictures),
        ("last result, s", report => report.LastResultSeconds),
        ("p50, s", report => report.P50Seconds),
        ("p90, s", report => report.P90Seconds),
        ("p99, s", report => report.P99Seconds),
        ("slowest, s", report => report.MaxSeconds),
        ("peak instances", report => report.PeakInstances),
        ("mean instances", report => report.MeanInstances),
        ("launches", report => report.Launches),
        ("instance-hours", report => report.InstanceHours),
        ("cost, $", report => report.Cost),
        ("cost a million pictures, $", report => report.CostPerMillion),
    ];

    private sealed record Variant(string Name, SettingsSources Settings);

    private sealed record Figures(
        string Load, int Pictures, double LastResultSeconds, double P50Seconds, double P90Seconds, double P99Seconds,
        double MaxSeconds, int PeakInstances, double MeanInstances, int Launches, double InstanceHours, double Cost,
        double CostPerMillion, IReadOnlyList<Decision> Decisions)
    {
        public static Figures Of(SimulationReport report) => new(
            report.Load, report.Pictures, report.LastResultSeconds, report.P50Seconds, report.P90Seconds,
            report.P99Seconds, report.MaxSeconds, report.PeakInstances, report.MeanInstances, report.Launches,
            report.InstanceHours, report.Cost, report.CostPerMillion, report.Decisions);
    }
}
