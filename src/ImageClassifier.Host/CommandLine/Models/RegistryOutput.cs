using System.Globalization;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>Prints the registry of models for people, or as JSON.</summary>
/// <param name="output">Standard output.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
internal sealed class RegistryOutput(TextWriter output, int? width)
{
    // More than enough to tell versions apart, and accepted by all verbs.
    private const int ShownDigits = 12;

    private static readonly JsonSerializerOptions Json = new(WireJson.Options) { WriteIndented = true };

    /// <summary>Prints a model that was pushed.</summary>
    public void PrintPushed(ModelPushed pushed, bool asJson)
    {
        var (list, model) = (pushed.Model, pushed.Model.Model);
        if (asJson)
        {
            Print(new
            {
                model.Name,
                model.Sha256,
                list.Classes,
                Files = list.Files.Count,
                Bytes = list.Files.Sum(file => file.Size),
                pushed.Uploaded,
                pushed.IsTriedAgain,
            });
            return;
        }

        PrintLine($"Pushed: {model}");
        PrintLine($"{list.Files.Count} files, {list.Classes} classes; " + (pushed.Uploaded > 0
            ? $"{pushed.Uploaded} files were uploaded."
            : "all files were there before."));
        if (pushed.IsTriedAgain) PrintLine("The model was refused before. Now nodes try it again.");
        PrintLine($"To use it for all new batches: image-classifier models activate {Short(model)}");
        PrintLine($"To try it with some: image-classifier models canary {Short(model)} --share 10%");
    }

    /// <summary>Prints the registry.</summary>
    /// <param name="rollout">Which models new batches get.</param>
    /// <param name="damage">Why the stored rollout cannot be read, as a clause; null if it can.</param>
    /// <param name="models">The pushed models, and those that the rollout names.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public void Print(ModelRollout rollout, string? damage, IReadOnlyList<RegisteredModel> models, bool asJson)
    {
        if (asJson)
        {
            Print(new
            {
                rollout.Active,
                rollout.Canary,
                rollout.Earlier,
                Damage = damage,
                Models = models.Select(model => new
                {
                    model.Model.Name,
                    model.Model.Sha256,
                    model.PushedAt,
                    model.List.OrNull?.Classes,
                    Files = model.List.OrNull?.Files.Count,
                    model.Bytes,
                    Verdict = Verdict(model),
                    Reason = model.Fault,
                }),
            });
            return;
        }

        PrintLine(damage is null
            ? $"New batches get {Describe(rollout)}."
            : $"models/active.json is damaged: {damage}. Activate a model: that writes it anew.");
        if (models.Count == 0)
        {
            PrintLine("The registry is empty: image-classifier models push NAME fills it.");
            return;
        }

        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Model", "SHA-256", "State", "Verdict")
            .AddColumn(new TableColumn("Classes").RightAligned()).AddColumn(new TableColumn("Size").RightAligned())
            .AddColumn("Pushed");
        foreach (var model in models)
        {
            table.AddRow(
                Plain(model.Model.Name),
                Plain(model.Model.Sha256[..ShownDigits]),
                Plain(State(rollout, model.Model)),
                Plain(model.Fault is { } fault ? $"{Verdict(model)}: {fault}" : Verdict(model)),
                Plain(model.List.OrNull?.Classes.ToString(CultureInfo.InvariantCulture) ?? ""),
                Plain(model.Bytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB") : ""),
                Plain(model.PushedAt?.UtcDateTime.ToString("u", CultureInfo.InvariantCulture) ?? ""));
        }

        table.Write(output, width);
        output.Flush();
    }

    /// <summary>Prints the state before and after a change.</summary>
    /// <param name="before">The state before.</param>
    /// <param name="after">The state now.</param>
    /// <param name="model">The model that batches get since the change; null for the model of the nodes' setting.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public void PrintChange(ModelRollout before, ModelRollout after, RegisteredModel? model, bool asJson)
    {
        if (asJson)
        {
            Print(new { Before = before, Now = after, Verdict = model is null ? null : Verdict(model), Reason = model?.Fault });
            return;
        }

        PrintLine($"Before: new batches got {Describe(before)}.");
        PrintLine($"Now:    new batches get {Describe(after)}.");
        if (model is null) return;
        if (model.Fault is { } fault)
        {
            PrintLine($"Nodes cannot use {Short(model.Model)}: {fault}. Batches get the model that was active before it.");
        }
        else if (!model.IsUsable)
        {
            PrintLine($"No node has tried {Short(model.Model)} yet. The first node that loads it decides whether all use it: "
                + "image-classifier models registry shows the verdict.");
        }
    }

    private static string Describe(ModelRollout rollout)
    {
        var active = rollout.Active is null ? "the model of the nodes' setting" : Short(rollout.Active);
        return rollout.Canary is null ? active : $"{active}, and {Share(rollout.Canary)} of them {Short(rollout.Canary.Model)}";
    }

    private static string State(ModelRollout rollout, ModelReference model)
    {
        var place = rollout.Earlier.ToList().IndexOf(model);
        string?[] states =
        [
            rollout.Active == model ? "active" : null,
            rollout.Canary?.Model == model ? $"canary {Share(rollout.Canary)}" : null,
            place >= 0 ? $"earlier {place + 1}" : null,
        ];
        return string.Join(", ", states.OfType<string>().DefaultIfEmpty("pushed"));
    }

    private static string Verdict(RegisteredModel model) =>
        model.Fault is not null ? "unusable" : model.IsUsable ? "usable" : "untried";

    private static string Share(ModelCanary canary) =>
        string.Create(CultureInfo.InvariantCulture, $"{canary.Share * 100:0.##}%");

    private static string Short(ModelReference model) => $"{model.Name}@{model.Sha256[..ShownDigits]}";

    private void Print<T>(T document) => output.WriteLine(JsonSerializer.Serialize(document, Json));

    private void PrintLine(string line) => output.WriteLine(UntrustedText.ForDisplay(line));
}
