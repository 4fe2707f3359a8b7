using System.CommandLine;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The verbs below <c>models</c> that work on the registry: their arguments and options.</summary>
/// <param name="data">The option of the data folder.</param>
/// <param name="json">The option for JSON.</param>
internal sealed class RegistryGrammar(Option<string> data, Option<bool> json)
{
    private readonly Argument<string> _what = new("NAME|DIR")
    {
        Description = "A model of the data folder, as models list shows it, or a model directory.",
    };

    private readonly Argument<string> _model = new("NAME[@SHA]")
    {
        Description = "A pushed model. If several versions were pushed, with at least 8 digits of the SHA-256 that models "
            + "registry shows.",
    };

    private readonly Option<string> _name = new("--name")
    {
        Description = "The name that the model gets in the registry. Default: that of the model or directory.",
        HelpName = "NAME",
    };

    private readonly Option<string> _share = new("--share")
    {
        Description = "The share of the new batches, from 1% to 99%, such as 10% or 0.1.",
        HelpName = "SHARE",
        Required = true,
    };

    /// <summary>The verbs.</summary>
    /// <param name="sources">The settings in a parsed command line.</param>
    /// <param name="run">Runs a verb.</param>
    public IEnumerable<Command> CreateCommands(
        Func<ParseResult, SettingsSources> sources, Func<ModelsOptions, CancellationToken, Task<int>> run)
    {
        yield return Verb(
            "push", "Puts a model into the registry, from which nodes take models. It changes no batch yet.",
            [_what], [_name],
            parsed => new ModelsPushOptions(
                sources(parsed), parsed.GetRequiredValue(_what), parsed.GetValue(_name), parsed.GetValue(json)));
        yield return Verb(
            "registry", "Lists the registry: the pushed models, which of them new batches get, and whether nodes can use them.",
            [], [],
            parsed => new ModelsRegistryOptions(sources(parsed), parsed.GetValue(json)));
        yield return Verb(
            "activate", "Gives a pushed model to all new batches, and ends a canary. Batches that have begun keep their model.",
            [_model], [],
            parsed => new ModelsActivateOptions(
                sources(parsed), parsed.GetRequiredValue(_model), parsed.GetValue(json)));
        yield return Verb(
            "canary", "Gives a pushed model to a share of the new batches, to compare its results. rollback ends it.",
            [_model], [_share],
            parsed => new ModelsCanaryOptions(
                sources(parsed), parsed.GetRequiredValue(_model), parsed.GetRequiredValue(_share), parsed.GetValue(json)));
        yield return Verb(
            "rollback", "Ends the canary. Without a canary, new batches get the model that was active before.",
            [], [],
            parsed => new ModelsRollbackOptions(sources(parsed), parsed.GetValue(json)));

        Command Verb(
            string name, string description, Argument[] arguments, Option[] options, Func<ParseResult, ModelsOptions> read)
        {
            var verb = new Command(name, description);
            foreach (var argument in arguments) verb.Add(argument);
            foreach (var option in (Option[])[.. options, data, json]) verb.Add(option);
            verb.SetAction((parsed, cancellation) => run(read(parsed), cancellation));
            return verb;
        }
    }
}
