using System.CommandLine;
using System.CommandLine.Parsing;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>The options of <c>simulate</c>.</summary>
internal sealed class SimulateGrammar
{
    private readonly Option<string> _load = new(SimulateVerb.LoadOption)
    {
        Description = "The load: constant:20/s:10m (a Poisson process), burst:300, burst:1000@0,1000@90 (each at its"
            + " second), diurnal:5/s (a day from midnight, with this mean rate) or diurnal:5/s:2d, csv:FILE (the second of"
            + " each arrival, and optionally the number of pictures).",
        HelpName = "LOAD",
    };

    private readonly Option<int> _seed = new("--seed")
    {
        Description = "The seed of all random numbers. The same seed gives the same run.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string> _price = new(SimulateVerb.PriceOption)
    {
        Description = "Dollars for an instance-hour. Default: 0.0893 (c7i.large on demand in us-east-1).",
        HelpName = "DOLLARS",
    };

    private readonly Option<string> _minimumCharge = new(SimulateVerb.MinimumChargeOption)
    {
        Description = "The least billed time of an instance. Default: 60s, as on EC2.",
        HelpName = "TIME",
    };

    private readonly Option<string> _boot = new(SimulateVerb.BootOption)
    {
        Description = "From a launch to the first poll: 26s, 20s..40s (anything between) or 26s~20% (around a median)."
            + " Default: the setting image-classifier.scaling.latency.boot-time.",
        HelpName = "TIME",
    };

    private readonly Option<string> _serviceTime = new(SimulateVerb.ServiceTimeOption)
    {
        Description = "The time of an instance for one picture, written like --boot. Default: the setting"
            + " image-classifier.scaling.latency.service-time.",
        HelpName = "TIME",
    };

    private readonly Option<string> _timeline = new(SimulateVerb.TimelineOption)
    {
        Description = "Write the state of each second to a CSV file.",
        HelpName = "FILE.csv",
    };

    private readonly Option<string[]> _chart = new(SimulateVerb.ChartOption)
    {
        Description = "Draw waiting pictures, fleet and latency to a .png or .svg file. Repeat it for more files.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _compare = new(SimulateVerb.CompareOption)
    {
        Description = "Also run the same load with other settings, and print both side by side: a file in place of"
            + " --config, or one setting.",
        HelpName = "FILE|key=value",
    };

    private readonly Option<bool> _policies = new("--policies")
    {
        Description = "Compare the policies with AWS's target tracking and an oracle, in a Markdown table: on four"
            + " standard loads, or on --load.",
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print only one JSON document on standard output.",
    };

    /// <summary>The verb.</summary>
    public Command CreateCommand()
    {
        var command = new Command("simulate",
            "Simulates a load on a deployment with these settings: how long results take, and what they cost.")
        {
            _load, _seed, _price, _minimumCharge, _boot, _serviceTime, _timeline, _chart, _compare, _policies, _json,
        };
        command.Validators.Add(MustFit);
        return command;
    }

    /// <summary>The options in a parsed command line.</summary>
    public SimulateOptions Options(ParseResult parsed, SettingsSources settings) => new(
        settings,
        parsed.GetValue(_load),
        parsed.GetValue(_seed),
        parsed.GetValue(_price),
        parsed.GetValue(_minimumCharge),
        parsed.GetValue(_boot),
        parsed.GetValue(_serviceTime),
        parsed.GetValue(_timeline),
        parsed.GetValue(_chart) ?? [],
        parsed.GetValue(_compare),
        parsed.GetValue(_policies),
        parsed.GetValue(_json));

    private void MustFit(CommandResult result)
    {
        var isPolicies = result.GetResult(_policies) is not null;
        if (result.GetResult(_load) is null && !isPolicies)
            result.AddError($"simulate needs {_load.Name} (or {_policies.Name}), such as {_load.Name} burst:300.");
        foreach (var option in (Option[])[_timeline, _chart, _compare])
        {
            if (isPolicies && result.GetResult(option) is not null)
                result.AddError($"{option.Name} does not go with {_policies.Name}.");
        }
    }
}
