using System.Globalization;
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
    private bool _first = true;

    public void Begin() => output.Write("[");

    public void Print(FileOutcome outcome)
    {
        output.Write(_first ? "\n  " : ",\n  ");
        output.Write(TerminalJson.Write(outcome));
        _first = false;
    }

    public void End()
    {
        output.WriteLine("\n]");
        output.Flush();
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
