using System.Globalization;
using System.Text;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>Prints outcomes one by one.</summary>
internal interface IOutcomePrinter
{
    void Begin();

    void Print(FileOutcome outcome);

    /// <summary>Completes the output. Also called if the work ended early.</summary>
    void End();
}

/// <summary>A JSON array, written entry by entry.</summary>
internal sealed class JsonPrinter(TextWriter output) : IOutcomePrinter
{
    private static readonly JsonSerializerOptions Options = new(WireJson.Options)
    {
        // File names keep their letters, because the output is for terminals and not for web pages.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private bool _first = true;

    public void Begin() => output.Write("[");

    public void Print(FileOutcome outcome)
    {
        output.Write(_first ? "\n  " : ",\n  ");
        output.Write(EscapeInvisible(JsonSerializer.Serialize(outcome, Options)));
        _first = false;
    }

    public void End()
    {
        output.WriteLine("\n]");
        output.Flush();
    }

    // A terminal ignores the escape. JSON readers turn it back into the character.
    private static string EscapeInvisible(string json)
    {
        var escaped = new StringBuilder(json.Length);
        foreach (var character in json.EnumerateRunes())
        {
            var text = character.ToString();
            escaped.Append(UntrustedText.IsInvisible(character) ? string.Concat(text.Select(Escape)) : text);
        }

        return escaped.ToString();

        static string Escape(char unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
    }
}

/// <summary>A table with a row for each file: its best label or its error.</summary>
internal sealed class TablePrinter(TextWriter output, int? width) : IOutcomePrinter
{
    private readonly Table _table = new Table().Border(TableBorder.Rounded)
        .AddColumn("File")
        .AddColumn("Label")
        .AddColumn(new TableColumn("Probability").RightAligned());

    public void Begin()
    {
    }

    public void Print(FileOutcome outcome) => _table.AddRow(
        Plain(outcome.File),
        outcome.Predictions is [var best, ..] ? Plain(best.Label) : Plain(outcome.Error ?? "", new Style(Color.Red)),
        outcome.Predictions is [var sure, ..]
            ? Plain(sure.Probability.ToString("P1", CultureInfo.InvariantCulture))
            : Plain("failed", new Style(Color.Red)));

    public void End()
    {
        _table.Write(output, width);
        output.Flush();
    }
}
