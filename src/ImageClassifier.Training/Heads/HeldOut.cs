namespace ImageClassifier.Training.Heads;

/// <summary>The logits of pictures by a head that was not trained with them.</summary>
/// <param name="Pictures">The indices of the pictures, ascending.</param>
/// <param name="Logits">The logits of each.</param>
/// <param name="Rounds">The number of heads that were trained for it.</param>
public sealed record HeldOut(IReadOnlyList<int> Pictures, IReadOnlyList<float[]> Logits, int Rounds)
{
    /// <summary>A picture is held out once in so many parts.</summary>
    public const int Parts = 5;

    // About as many numbers as one core trains with in a second. With more, one part is enough to measure with.
    private const long MostForAllRounds = 2_000_000;

    // Any number does. A fixed one makes every run the same.
    private const int Seed = 13;

    /// <summary>The number of rounds: all parts are held out in turn where pictures are few, otherwise one.</summary>
    public static int RoundsFor(int pictures, int classes) =>
        (long)pictures * classes <= MostForAllRounds ? Parts : 1;

    /// <summary>Trains a head on the other parts for each held-out part.</summary>
    /// <param name="rows">The features of each picture.</param>
    /// <param name="labels">The class of each picture.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="fit">Trains a head on some pictures. Its last argument is the round.</param>
    public static HeldOut Measure(
        IReadOnlyList<float[]> rows,
        IReadOnlyList<int> labels,
        int classes,
        Func<IReadOnlyList<float[]>, IReadOnlyList<int>, int, LinearHead> fit)
    {
        var rounds = RoundsFor(rows.Count, classes);
        var part = Split(labels);
        var logits = new SortedDictionary<int, float[]>();
        for (var round = 0; round < rounds; round++)
        {
            int[] kept = [.. Enumerable.Range(0, rows.Count).Where(i => part[i] != round)];
            // Classes of few pictures are in the first parts only.
            if (kept.Length == rows.Count) continue;
            var head = fit([.. kept.Select(i => rows[i])], [.. kept.Select(i => labels[i])], round);
            for (var i = 0; i < rows.Count; i++)
            {
                if (part[i] == round) logits[i] = head.Logits(rows[i]);
            }
        }

        return new HeldOut([.. logits.Keys], [.. logits.Values], rounds);
    }

    /// <summary>The part of each picture. Each class is spread evenly, and has a picture in the first part and one in
    /// another.</summary>
    internal static int[] Split(IReadOnlyList<int> labels)
    {
        var part = new int[labels.Count];
        // Its numbers for a seed are the same on every version of .NET.
        var random = new Random(Seed);
        foreach (var pictures in Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]))
        {
            int[] shuffled = [.. pictures];
            random.Shuffle(shuffled);
            for (var i = 0; i < shuffled.Length; i++) part[shuffled[i]] = i % Parts;
        }

        return part;
    }
}
