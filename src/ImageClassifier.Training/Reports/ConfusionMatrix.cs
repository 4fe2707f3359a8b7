namespace ImageClassifier.Training.Reports;

/// <summary>Counts, for each class, the classes that its held-out pictures were taken for.</summary>
public sealed class ConfusionMatrix
{
    private readonly int[][] _counts;

    /// <summary>Creates an empty matrix.</summary>
    /// <param name="labels">The names of the classes.</param>
    public ConfusionMatrix(IReadOnlyList<string> labels)
    {
        Labels = labels;
        _counts = [.. labels.Select(_ => new int[labels.Count])];
    }

    /// <summary>The names of the classes.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The number of pictures of a class that were taken for a class.</summary>
    public int this[int label, int predicted] => _counts[label][predicted];

    /// <summary>The number of pictures of a class.</summary>
    public int Total(int label) => _counts[label].Sum();

    /// <summary>Counts a picture.</summary>
    public void Add(int label, int predicted) => _counts[label][predicted]++;

    /// <summary>The most frequent confusions.</summary>
    public IEnumerable<Confusion> Frequent(int most) =>
        (from label in Enumerable.Range(0, Labels.Count)
         from predicted in Enumerable.Range(0, Labels.Count)
         where label != predicted && _counts[label][predicted] > 0
         orderby _counts[label][predicted] descending, label, predicted
         select new Confusion(Labels[label], Labels[predicted], _counts[label][predicted])).Take(most);
}
