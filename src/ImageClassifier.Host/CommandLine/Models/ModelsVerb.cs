using System.CommandLine;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The group of verbs <c>models</c>: its arguments and options.</summary>
/// <param name="data">The option of the data folder.</param>
/// <param name="json">The option for JSON.</param>
internal sealed class ModelsVerb(Option<string> data, Option<bool> json)
{
    private readonly Argument<string> _what = new("NAME|URL|DIR")
    {
        Description = "A name of the catalogue (models list shows it), the address of a .onnx file, or a model directory.",
    };

    private readonly Argument<string> _name = new("NAME") { Description = "The name of a model, as models list shows it." };

    private readonly Option<string> _ownName = new("--name")
    {
        Description = "The name that the model gets. Default: that of the file or directory.",
        HelpName = "NAME",
    };

    private readonly Option<string> _sha256 = new("--sha256")
    {
        Description = "For an address: the SHA-256 of the file, from its publisher.",
        HelpName = "HEX",
    };

    private readonly Option<string> _contract = new("--contract")
    {
        Description = "For an address: a model.json of this machine.",
        HelpName = "FILE",
    };

    private readonly Option<string> _labels = new("--labels")
    {
        Description = "For an address: a labels.txt of this machine.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _allowHttp = new("--allow-http")
    {
        Description = "Allow an address without encryption. The SHA-256 still protects the model.",
    };

    /// <summary>The group.</summary>
    /// <param name="sources">The settings in a parsed command line.</param>
    /// <param name="run">Runs a verb.</param>
    public Command CreateCommand(
        Func<ParseResult, SettingsSources> sources, Func<ModelsOptions, CancellationToken, Task<int>> run)
    {
        var add = new Command("add", "Adds a model to the data folder: downloads it, or copies a model directory.")
        {
            _what, _ownName, _sha256, _contract, _labels, _allowHttp, data, json,
        };
        add.SetAction((parsed, cancellation) => run(
            new ModelsAddOptions(
                sources(parsed),
                parsed.GetRequiredValue(_what),
                parsed.GetValue(_ownName),
                parsed.GetValue(_sha256),
                parsed.GetValue(_contract),
                parsed.GetValue(_labels),
                parsed.GetValue(_allowHttp),
                parsed.GetValue(json)),
            cancellation));

        var list = new Command("list", "Lists the models of the catalogue and of the data folder.") { data, json };
        list.SetAction((parsed, cancellation) =>
            run(new ModelsListOptions(sources(parsed), parsed.GetValue(json)), cancellation));

        var show = new Command("show", "Shows the contract, licence, hash and place of a model.") { _name, data, json };
        show.SetAction((parsed, cancellation) => run(
            new ModelsShowOptions(sources(parsed), parsed.GetRequiredValue(_name), parsed.GetValue(json)), cancellation));

        var remove = new Command("remove", "Removes a model that models add put into the data folder.")
        {
            _name, data, json,
        };
        remove.SetAction((parsed, cancellation) => run(
            new ModelsRemoveOptions(sources(parsed), parsed.GetRequiredValue(_name), parsed.GetValue(json)), cancellation));

        var group = new Command("models", "Manages models: well-known ones to download, your own, and those of all nodes.")
        {
            add, list, show, remove,
        };
        foreach (var verb in new RegistryGrammar(data, json).CreateCommands(sources, run)) group.Add(verb);
        return group;
    }
}
