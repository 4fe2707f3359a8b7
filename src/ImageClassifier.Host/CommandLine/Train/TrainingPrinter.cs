using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Training.Reports;
using Spectre.Console;
using Spectre.Console.Rendering;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Train;

/// <summary>Prints the report of a training for people.</summary>
internal sealed class TrainingPrinter(TextWriter output, int? width)
{
    private const int MostRows = 10;

    public void Print(TrainingReport report, string directory)
    {
        var held = report.HeldOut;
        var top5 = held.Top5 is { } share ? $", {Percent(share)} among the first five" : "";
        Line($"Model {report.Model}: {report.Classes.Count} classes, {report.Pictures} pictures.");
        Line($"Right: {Percent(held.Top1)} of {held.Pictures} held-out pictures{top5} ({held.Method}).");

        Rows(report.Classes.Where(figures => figures.Right < figures.HeldOut), ["Worst classes", "Right", "Held out"],
            figures => [figures.Label, Percent(figures.Share), Number(figures.HeldOut)]);
        Rows(report.Confusions, ["Class", "Taken for", "Pictures"],
            confusion => [confusion.Label, confusion.TakenFor, Number(confusion.Pictures)]);
        Rows(report.Suspects, ["In the wrong folder?", "Looks like", "Probability"],
            suspect => [suspect.File, suspect.LooksLike, Percent(suspect.Probability)]);
        Rows(report.LeftOut, ["Left out", "Reason"], file => [file.File, file.Reason]);

        Line($"The model is in {directory}. MODEL.md describes it, report.json and confusion.png have all figures.");
        Line($"Use it: image-classifier --set image-classifier.node.classification.model={directory}");
    }

    private void Rows<T>(IEnumerable<T> entries, string[] columns, Func<T, string[]> cells)
    {
        T[] all = [.. entries];
        if (all.Length == 0) return;
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns(columns);
        foreach (var entry in all.Take(MostRows))
            table.AddRow(Array.ConvertAll<string, IRenderable>(cells(entry), cell => Plain(cell)));
        table.Write(output, width);
        if (all.Length > MostRows) Line($"… and {all.Length - MostRows} more in report.json.");
    }

    private void Line(FormattableString text) =>
        output.WriteLine(UntrustedText.ForDisplay(text.ToString(CultureInfo.InvariantCulture)));

    private static string Percent(double share) => share.ToString("P1", CultureInfo.InvariantCulture);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
