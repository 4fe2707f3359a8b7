using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulator;
using ImageClassifier.Simulator.Baselines;
using ImageClassifier.Simulator.Charts;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>The verb <c>simulate</c>: runs the discrete-event model with the user's settings and prints the outcome. It
/// needs neither credentials nor a data folder.</summary>
/// <param name="output">Standard output. It receives only the tables or the JSON document.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
/// <param name="progress">The terminal for the progress bar; null for none.</param>
public sealed class SimulateVerb(TextWriter output, int? width, TextWriter? progress)
{
    internal const string LoadOption = "--load";
    internal const string PriceOption = "--price";
    internal const string MinimumChargeOption = "--minimum-charge";
    internal const string BootOption = "--boot";
    internal const string ServiceTimeOption = "--service-time";
    internal const string TimelineOption = "--timeline";
    internal const string ChartOption = "--chart";
    internal const string CompareOption = "--compare";

    private static readonly JsonSerializerOptions Json = new(WireJson.Options) { WriteIndented = true };

    /// <summary>Runs the simulation.</summary>
    /// <returns><see cref="ExitCodes.Done"/>.</returns>
    /// <exception cref="InvalidSettingException">A setting or an option is wrong. Nothing was printed.</exception>
    /// <exception cref="SimulationStuckException">The run does not end with these settings.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled. Nothing was printed.</exception>
    public async Task<int> RunAsync(SimulateOptions options, CancellationToken cancellation)
    {
        var model = Model(options, options.Settings);
        foreach (var chart in options.Charts) SimulationChart.Check(ChartOption, chart);
        if (options.Policies)
        {
            await ComparePoliciesAsync(options, model, cancellation);
            return ExitCodes.Done;
        }

        var load = Load.Parse(LoadOption, options.Load!);
        var other = options.Compare is { } compared ? Model(options, Compared(options.Settings, compared)) : null;
        var runs = await ProgressBars.RunAsync(
            progress,
            other is null ? ["simulating"] : ["a", "b"],
            report => Simulate(load, model, other, options, report, cancellation));
        WriteFiles(options, runs);
        Print(options, runs);
        await output.FlushAsync(cancellation);
        return ExitCodes.Done;
    }

    private static SimulationModel Model(SimulateOptions options, SettingsSources sources)
    {
        var model = SimulationModel.Create(ProgramSettings.Load(sources));
        var price = model.Price;
        var boot = options.Boot is { } given ? DrawnTime.Parse(BootOption, given) : model.Boot;
        if (boot.Median >= model.Scaling.BootDeadline)
        {
            throw new InvalidSettingException(
                options.Boot is null ? "image-classifier.scaling.latency.boot-time" : BootOption,
                boot.ToString(),
                "no instance comes up: the scaler ends one that boots for "
                + $"{model.Scaling.BootDeadline.TotalMinutes:0} min");
        }

        return model with
        {
            Price = new InstancePrice
            {
                PerHour = options.Price is { } dollars ? Dollars(dollars) : price.PerHour,
                MinimumCharge = options.MinimumCharge is { } time ? Charge(time) : price.MinimumCharge,
            },
            Boot = boot,
            Service = options.ServiceTime is { } service ? DrawnTime.Parse(ServiceTimeOption, service) : model.Service,
        };
    }

    private static double Dollars(string text) =>
        Units.TryParseNumber(text, out var dollars) && dollars <= 10_000
            ? dollars
            : throw new InvalidSettingException(PriceOption, text, "allowed is a number of dollars from 0 to 10000");

    private static TimeSpan Charge(string text) =>
        Units.TryParseTime(text, out var time) && time <= TimeSpan.FromDays(1)
            ? time
            : throw new InvalidSettingException(MinimumChargeOption, text, "allowed is a time up to 1d, such as 60s");

    private static SettingsSources Compared(SettingsSources sources, string compared)
    {
        if (compared.Length == 0)
            throw new InvalidSettingException(CompareOption, compared, "allowed is a settings file or key=value");
        return compared.Contains('=') && !File.Exists(compared)
            ? sources with { Assignments = [.. sources.Assignments, compared] }
            : sources with { ConfigFile = compared };
    }

    private static List<(string Name, SimulationReport Report)> Simulate(
        Load load,
        SimulationModel model,
        SimulationModel? other,
        SimulateOptions options,
        Action<int, double> report,
        CancellationToken cancellation)
    {
        var arrivals = load.Draw(options.Seed);
        var runs = new List<(string, SimulationReport)>
        {
            ("a", Simulation.Run(
                model, arrivals, options.Seed, progress: part => report(0, part), cancellation: cancellation)),
        };
        if (other is not null)
        {
            runs.Add(("b", Simulation.Run(
                other, arrivals, options.Seed, progress: part => report(1, part), cancellation: cancellation)));
        }

        return runs;
    }

    private async Task ComparePoliciesAsync(
        SimulateOptions options, SimulationModel model, CancellationToken cancellation)
    {
        var loads = options.Load is { } one ? [one] : PolicyComparison.StandardLoads;
        Load[] parsed = [.. loads.Select(load => Load.Parse(LoadOption, load))];
        PolicyComparison[] comparisons = await ProgressBars.RunAsync(
            progress,
            loads,
            report => parsed.Select((load, part) => PolicyComparison.Run(
                model, load, options.Seed, done => report(part, done), cancellation)).ToArray());
        if (options.Json) await output.WriteLineAsync(JsonSerializer.Serialize(comparisons, Json));
        else await output.WriteAsync(PolicyComparison.ToMarkdown(comparisons));
        await output.FlushAsync(cancellation);
    }

    private static void WriteFiles(SimulateOptions options, List<(string Name, SimulationReport Report)> runs)
    {
        if (options.Timeline is { } timeline)
        {
            WriteFile(TimelineOption, timeline, () =>
            {
                using var writer = new StreamWriter(timeline);
                Timeline.WriteCsv(writer, runs);
            });
        }

        foreach (var chart in options.Charts)
            WriteFile(ChartOption, chart, () => SimulationChart.Write(chart, runs));
    }

    private static void WriteFile(string option, string file, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException(option, file, $"the file cannot be written ({failure.Message})", failure);
        }
    }

    private void Print(SimulateOptions options, List<(string Name, SimulationReport Report)> runs)
    {
        if (!options.Json) new ReportPrinter(output, width).Print(runs);
        else if (runs is [var (_, only)]) output.WriteLine(JsonSerializer.Serialize(only, Json));
        else output.WriteLine(JsonSerializer.Serialize(runs.ToDictionary(run => run.Name, run => run.Report), Json));
    }
}
