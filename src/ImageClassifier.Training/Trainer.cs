using ImageClassifier.Training.Heads;
using ImageClassifier.Training.Pictures;
using ImageClassifier.Training.Reports;

namespace ImageClassifier.Training;

/// <summary>Trains a head on the features of a folder, and measures it on held-out pictures.</summary>
public static class Trainer
{
    // The penalties on large weights that are tried. Few pictures need a strong one, many a weak one.
    private static readonly double[] Decays = [1e-2, 3e-3, 1e-3, 3e-4];

    private const int FewestClassesForTop5 = 10;
    private const int MostConfusions = 50;
    private const int MostSuspects = 50;

    // A picture is suspect if its own class is nearly excluded and another class is more likely than all others together.
    private const double HighestOfOwn = 0.02;
    private const double LowestOfOther = 0.5;

    // Each sample is run whenever the model is loaded.
    private const int MostSamples = 10;

    /// <summary>Trains and measures.</summary>
    /// <param name="model">The name of the model.</param>
    /// <param name="table">The features of all pictures.</param>
    /// <param name="progress">Receives the share that is done.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static TrainingResult Train(
        string model, FeatureTable table, Action<double> progress, CancellationToken cancellation)
    {
        var classes = table.Folder.Classes;
        var rounds = HeldOut.RoundsFor(table.Rows.Count, classes.Count);
        var fits = Decays.Length * rounds + 1;
        var last = new LinearHead?[rounds];
        var (decay, heldOut, temperature, _, first) = Decays.Select(Try).MinBy(trial => trial.CrossEntropy)!;
        var labels = heldOut.Pictures.Select(i => table.Labels[i]).ToArray();
        var head = Fit(table.Rows, table.Labels, decay, first, fits - 1).Calibrated(temperature);

        var probabilities = heldOut.Logits.Select(logits => Softmax.Probabilities(logits, temperature)).ToArray();
        var confusion = new ConfusionMatrix(classes);
        for (var i = 0; i < labels.Length; i++) confusion.Add(labels[i], Best(probabilities[i]));
        var counts = table.Labels.CountBy(label => label).ToDictionary();
        var report = new TrainingReport(
            model,
            table.Rows.Count,
            Figures(heldOut, labels, probabilities, classes.Count),
            decay,
            temperature,
            [
                .. classes.Select((label, i) => new ClassFigures(label, counts[i], confusion.Total(i), confusion[i, i]))
                    .OrderBy(figures => figures.Share)
                    .ThenBy(figures => figures.Label, StringComparer.Ordinal),
            ],
            [.. confusion.Frequent(MostConfusions)],
            [.. Suspects(table, heldOut, probabilities)],
            table.LeftOut);
        return new TrainingResult(report, head, confusion, Samples(table, head));

        Trial Try(double strength, int trial)
        {
            var measured = HeldOut.Measure(
                table.Rows, table.Labels, classes.Count,
                (rows, labelsOfRows, round) =>
                    last[round] = Fit(rows, labelsOfRows, strength, last[round], trial * rounds + round));
            int[] own = [.. measured.Pictures.Select(i => table.Labels[i])];
            var divisor = Calibration.Temperature(measured.Logits, own);
            return new Trial(
                strength, measured, divisor, Calibration.CrossEntropy(measured.Logits, own, divisor), last[0]);
        }

        LinearHead Fit(
            IReadOnlyList<float[]> rows, IReadOnlyList<int> labelsOfRows, double strength, LinearHead? start, int fit) =>
            SoftmaxRegression.Fit(
                rows, labelsOfRows, classes.Count, strength, start, share => progress((fit + share) / fits), cancellation);
    }

    private static HeldOutFigures Figures(HeldOut heldOut, int[] labels, float[][] probabilities, int classes)
    {
        var method = heldOut.Rounds == 1
            ? $"one part in {HeldOut.Parts} of each class was held out"
            : $"cross-validation: each of {heldOut.Rounds} parts was held out in turn";
        return new HeldOutFigures(
            method,
            labels.Length,
            ShareWithin(1),
            classes < FewestClassesForTop5 ? null : ShareWithin(5),
            probabilities.Average(row => row.Max()));

        double ShareWithin(int first) =>
            (double)labels.Where((label, i) => Rank(probabilities[i], label) < first).Count() / labels.Length;
    }

    private static IEnumerable<Suspect> Suspects(FeatureTable table, HeldOut heldOut, float[][] probabilities) =>
        Enumerable.Range(0, probabilities.Length)
            .Select(i => (File: table.Files[heldOut.Pictures[i]], Row: probabilities[i]))
            .Where(picture => picture.Row[picture.File.Class] < HighestOfOwn && picture.Row.Max() > LowestOfOther)
            .OrderBy(picture => picture.Row[picture.File.Class])
            .Take(MostSuspects)
            .Select(picture => new Suspect(
                picture.File.Name,
                table.Folder.Classes[picture.File.Class],
                table.Folder.Classes[Best(picture.Row)],
                picture.Row.Max()));

    /// <summary>The surest picture of some classes, the surest class first.</summary>
    private static IReadOnlyList<ClassFile> Samples(FeatureTable table, LinearHead head) =>
    [
        .. Enumerable.Range(0, table.Rows.Count)
            .Where(i => SamplePictures.IsUsable(table.Files[i].Path))
            .Select(i => (File: table.Files[i], Row: Softmax.Probabilities(head.Logits(table.Rows[i]), temperature: 1)))
            .Where(picture => Best(picture.Row) == picture.File.Class)
            .GroupBy(picture => picture.File.Class)
            .Select(pictures => pictures.MaxBy(picture => picture.Row[picture.File.Class]))
            .OrderByDescending(picture => picture.Row[picture.File.Class])
            .Take(MostSamples)
            .Select(picture => picture.File),
    ];

    private static int Best(float[] row) => Array.IndexOf(row, row.Max());

    /// <summary>The number of classes that are more probable.</summary>
    private static int Rank(float[] row, int label) => row.Count(probability => probability > row[label]);

    /// <summary>What a penalty gives on held-out pictures, and the head of the first round.</summary>
    private sealed record Trial(
        double Decay, HeldOut HeldOut, double Temperature, double CrossEntropy, LinearHead? First);
}

/// <summary>A trained head.</summary>
/// <param name="Report">How good it is.</param>
/// <param name="Head">The head.</param>
/// <param name="Confusion">The confusion matrix of the held-out pictures.</param>
/// <param name="Samples">Pictures that the head classifies correctly, at most one of a class.</param>
public sealed record TrainingResult(
    TrainingReport Report, LinearHead Head, ConfusionMatrix Confusion, IReadOnlyList<ClassFile> Samples);
