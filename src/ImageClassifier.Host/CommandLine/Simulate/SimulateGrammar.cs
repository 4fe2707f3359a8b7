using System.CommandLine;
using System.CommandLine.Parsing;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>The options of <c>simulate</c>.</summary>
internal sealed class SimulateGrammar
{
    private readonly Option<string> _load = new(SimulateVerb.LoadOption)
    {
        Description = "What arrives: constant:20/s:10m (a Poisson process), burst:300, burst:1000@0,1000@90 (at so many"
            + " seconds), diurnal:5/s (a day that begins at midnight, with that mean) or diurnal:5/s:2d, csv:FILE"
            + " (seconds of each arrival, and perhaps how many pictures).",
        HelpName = "LOAD",
    };

    private readonly Option<int> _seed = new("--seed")
    {
        Description = "What all that is drawn follows from: the same seed gives the same run.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string> _price = new(SimulateVerb.PriceOption)
    {
        Description = "Dollars for an instance-hour; else 0.0893, which is c7i.large on demand in us-east-1.",
        HelpName = "DOLLARS",
    };

    private readonly Option<string> _minimumCharge = new(SimulateVerb.MinimumChargeOption)
    {
        Description = "An instance that lives shorter costs as much as this; else 60s, as on EC2.",
        HelpName = "TIME",
    };

    private readonly Option<string> _boot = new(SimulateVerb.BootOption)
    {
        Description = "From a launch to the first poll: 26s, 20s..40s (anything between) or 26s~20% (around a median);"
            + " else the setting image-classifier.scaling.latency.boot-time.",
        HelpName = "TIME",
    };

    private readonly Option<string> _serviceTime = new(SimulateVerb.ServiceTimeOption)
    {
        Description = "How long an instance takes for one picture, written like --boot; else the setting"
            + " image-classifier.scaling.latency.service-time.",
        HelpName = "TIME",
    };

    private readonly Option<string> _timeline = new(SimulateVerb.TimelineOption)
    {
        Description = "Write what there was, second by second, as CSV.",
        HelpName = "FILE.csv",
    };

    private readonly Option<string[]> _chart = new(SimulateVerb.ChartOption)
    {
        Description = "Draw what waits, the fleet and the latency; .png or .svg. May be given several times.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _compare = new(SimulateVerb.CompareOption)
    {
        Description = "Simulate the same load with other settings too, and lay both side by side: a file that takes the"
            + " place of --config, or one setting.",
        HelpName = "FILE|key=value",
    };

    private readonly Option<bool> _policies = new("--policies")
    {
        Description = "Lay the policies side by side, with AWS's target tracking and an oracle, as a table in Markdown;"
            + " on four standard loads unless --load names one.",
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print one JSON document, and nothing else, on standard output.",
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
            result.AddError($"simulate needs {_load.Name} (or {_policies.Name}): say what arrives, such as burst:300.");
        foreach (var option in (Option[])[_timeline, _chart, _compare])
        {
            if (isPolicies && result.GetResult(option) is not null)
                result.AddError($"{option.Name} does not go with {_policies.Name}.");
        }
    }
}
