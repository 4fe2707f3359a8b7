using System.Globalization;
using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.DeadLetters;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.DeadLetters;

/// <summary>Prints letters and their outcomes: as a table, or as a JSON array.</summary>
internal sealed class LetterPrinter(TextWriter output, bool json, int? width)
{
    private static readonly JsonSerializerOptions Json = new(WireJson.Options) { WriteIndented = true };

    /// <summary>Prints the letters of a list.</summary>
    public void Print(IReadOnlyList<DeadLetter> letters)
    {
        if (json)
        {
            PrintJson(letters);
            return;
        }

        Print(
            letters,
            "There are no dead letters: the list is empty.",
            ["Job", "Batch", "Attempt", "Receives", "Accepted", "Status", "Reason"],
            letter =>
            [
                letter.JobId?.Value ?? "", letter.BatchId?.Value ?? "", Text(letter.Attempt), Text(letter.ReceiveCount),
                letter.SubmittedAt?.UtcDateTime.ToString("u", CultureInfo.InvariantCulture) ?? "", Word(letter.Status),
                letter.Error is { } error ? $"{error.Code}: {error.Message}" : "",
            ]);
    }

    /// <summary>Prints the outcomes of a redrive or a purge.</summary>
    public void Print(IReadOnlyList<LetterOutcome> outcomes)
    {
        if (json)
        {
            PrintJson(outcomes);
            return;
        }

        Print(outcomes, "There was nothing to do.", ["Job", "Batch", "Outcome", "Attempt", "Reason"],
            outcome =>
            [
                outcome.JobId?.Value ?? "", outcome.BatchId?.Value ?? "", Word<LetterFate>(outcome.Fate), Text(outcome.Attempt),
                outcome.Reason ?? "",
            ]);
    }

    private void PrintJson<T>(IEnumerable<T> entries) => output.WriteLine(JsonSerializer.Serialize(entries, Json));

    private void Print<T>(IReadOnlyList<T> rows, string none, string[] columns, Func<T, string[]> cells)
    {
        if (rows.Count == 0)
        {
            output.WriteLine(none);
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns(columns);
        foreach (var row in rows) table.AddRow([.. cells(row).Select(cell => Plain(cell))]);
        table.Write(output, width);
    }

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Word<T>(T? value) where T : struct, Enum =>
        value is { } known ? JsonNamingPolicy.CamelCase.ConvertName(known.ToString()) : "";
}
