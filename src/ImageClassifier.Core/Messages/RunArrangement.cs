namespace ImageClassifier.Core.Messages;

/// <summary>How a node runs its model.</summary>
/// <param name="Classifiers">The number of runs at once.</param>
/// <param name="Threads">The number of threads of each run.</param>
/// <param name="Batch">The most pictures of a run.</param>
public sealed record RunArrangement(int Classifiers, int Threads, int Batch)
{
    /// <summary>The pictures a second of all runs together, without decoding, when this arrangement was measured. Null if
    /// it was not.</summary>
    public double? PicturesPerSecond { get; init; }

    /// <inheritdoc />
    public override string ToString() => PicturesPerSecond is { } rate
        ? FormattableString.Invariant($"{Classifiers} x {Threads} x {Batch}: {rate:0.#}/s")
        : $"{Classifiers} x {Threads} x {Batch}";
}
