using System.Globalization;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Models;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>Prints models for people, or as JSON.</summary>
/// <param name="output">Standard output.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
internal sealed class ModelsOutput(TextWriter output, int? width)
{
    private static readonly JsonSerializerOptions Json = new(WireJson.Options) { WriteIndented = true };

    /// <summary>Prints a model that was added.</summary>
    public void PrintAdded(AddedModel added, bool asJson)
    {
        var model = added.Model;
        if (asJson)
        {
            Print(new { model.Name, Status = added.IsNew ? "added" : "present", model.Path, model.Marker!.Sha256 });
            return;
        }

        PrintLine($"{(added.IsNew ? "Added" : "Already there")}: {model.Name}, in {model.Path}");
        PrintLine($"To use it: --set image-classifier.node.classification.model={model.Name}");
    }

    /// <summary>Prints a model that was removed.</summary>
    /// <param name="name">The name of the model.</param>
    /// <param name="wasAdded">False if there was only an interrupted download.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public void PrintRemoved(string name, bool wasAdded, bool asJson)
    {
        if (asJson) Print(new { Name = name, Status = wasAdded ? "removed" : "downloadRemoved" });
        else PrintLine(wasAdded ? $"Removed: {name}" : $"Removed: the interrupted download of {name}");
    }

    /// <summary>Prints all models.</summary>
    public void Print(IReadOnlyList<ListedModel> models, bool asJson)
    {
        if (asJson)
        {
            Print(models);
            return;
        }

        var table = new Table().Border(TableBorder.Rounded)
            .AddColumn("Name").AddColumn("State").AddColumn(new TableColumn("Size").RightAligned())
            .AddColumn("Licence").AddColumn("About");
        foreach (var model in models)
        {
            table.AddRow(
                Plain(model.Name),
                Plain(model.IsInUse ? "in use" : model.IsAdded ? "added" : "to download"),
                Plain(model.Bytes is { } bytes ? Size(bytes) : ""),
                Plain(model.License ?? ""),
                Plain(model.About ?? model.Path ?? ""));
        }

        table.Write(output, width);
        output.Flush();
    }

    /// <summary>Prints all about a model.</summary>
    public void Print(ShownModel model, bool asJson)
    {
        if (asJson)
        {
            Print<ShownModel>(model);
            return;
        }

        (string Name, string? Value)[] lines =
        [
            ("Name", model.Name),
            ("State", model.IsInUse ? "in use" : model.IsAdded ? "added" : $"to download: models add {model.Name}"),
            ("Path", model.Path),
            ("From", model.Source),
            ("Licence", model.License),
            ("Size", Size(model.Bytes)),
            ("Classes", model.Classes?.ToString(CultureInfo.InvariantCulture)),
            ("SHA-256", model.Sha256),
            ("of network", model.NetworkSha256),
            ("Changed", model.IsChanged == true ? "yes: its files are not those that were added" : null),
        ];
        foreach (var (name, value) in lines)
        {
            if (value is not null) PrintLine($"{name + ":",-12}{value}");
        }

        PrintLine("Contract:");
        output.WriteLine(JsonSerializer.Serialize(model.Contract, Json));
    }

    private void Print<T>(T document) => output.WriteLine(JsonSerializer.Serialize(document, Json));

    private void PrintLine(string line) => output.WriteLine(UntrustedText.ForDisplay(line));

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
