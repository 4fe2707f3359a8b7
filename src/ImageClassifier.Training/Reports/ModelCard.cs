using System.Globalization;
using System.Text;

namespace ImageClassifier.Training.Reports;

/// <summary>Writes the model card: how the model was made, how good it is, and what limits it.</summary>
public static class ModelCard
{
    private const int MostRows = 20;

    /// <summary>The text of <c>MODEL.md</c>.</summary>
    /// <param name="report">The report of the training.</param>
    /// <param name="program">The version of the program.</param>
    public static string Write(TrainingReport report, string program)
    {
        var card = new StringBuilder();
        var held = report.HeldOut;
        Line($"# {report.Model}");
        Line($"");
        Line($"{report.Classes.Count} classes, trained with {report.Pictures} pictures by `image-classifier train` {program}.");
        Line($"");
        Line($"## How good it is");
        Line($"");
        Line($"| on {held.Pictures} pictures that the measured head was not trained with | |");
        Line($"| --- | --- |");
        Line($"| first label right (top-1) | **{held.Top1:P1}** |");
        if (held.Top5 is { } top5) Line($"| right label among the first five (top-5) | {top5:P1} |");
        Line($"| mean probability of the first label | {held.MeanConfidence:P1} |");
        Line($"");
        Line($"Method: {held.Method}. The delivered head was then trained with all pictures.");
        Line($"`confusion.png` shows which classes are taken for which. `report.json` has all figures.");
        Line($"");
        Table(["worst classes", "held-out pictures", "right"], report.Classes.Take(MostRows).Select(
            figures => (string[])[figures.Label, Number(figures.HeldOut), $"{figures.Share:P0}"]));
        if (report.Confusions.Count > 0)
        {
            Table(["class", "taken for", "pictures"], report.Confusions.Take(MostRows).Select(
                confusion => (string[])[confusion.Label, confusion.TakenFor, Number(confusion.Pictures)]));
        }

        Line($"## How it was made");
        Line($"");
        Line($"- The backbone is ResNet-18 without its last layer (`ResNet18.onnx`, package");
        Line($"  Microsoft.ML.DnnImageFeaturizer.ResNet18 0.23.1, MIT licence in `ResNet18-LICENSE.txt`). It was trained on ImageNet");
        Line($"  and stays as it is. It gives 512 features of a picture.");
        Line($"- The head (`head.onnx`) divides the features by their Euclidean norm. Multinomial logistic regression gives a logit for");
        Line($"  each class, with a penalty of {report.Decay} on large weights, the best of those tried. Logits are divided by a temperature of {report.Temperature:0.###}, fitted on the held-out pictures, which is part of");
        Line($"  the weights. The weights are stored in half precision.");
        Line($"- A picture's shorter side is resized to 224 pixels. Its central square is the input.");
        Line($"- `samples/` has training pictures that the model must classify as their names say.");
        Line($"");
        Line($"## Limits");
        Line($"");
        Line($"- It always names one of its classes, whatever the picture shows.");
        Line($"- The figures hold for pictures like the training pictures. Series of one scene in both parts flatter them.");
        Line($"- ImageNet's terms allow non-commercial research and education. Whether a network that was trained on it may be used");
        Line($"  commercially is a question for the one who ships it.");
        return card.ToString();

        void Line(FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

        void Table(string[] head, IEnumerable<string[]> rows)
        {
            Line($"| {string.Join(" | ", head)} |");
            Line($"|{string.Concat(head.Select(_ => " --- |"))}");
            foreach (var row in rows)
                Line($"| {string.Join(" | ", row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |");
            Line($"");
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
