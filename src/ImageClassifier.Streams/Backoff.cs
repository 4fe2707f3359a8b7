namespace ImageClassifier.Streams;

/// <summary>Exponential back-off: the pause doubles with each failure up to a maximum. Jitter draws each pause from its
/// upper half, so that programs that failed together do not retry together.</summary>
/// <param name="min">The shortest pause.</param>
/// <param name="max">The longest pause.</param>
/// <param name="random">The source of the jitter; null for <see cref="Random.Shared"/>.</param>
public sealed class Backoff(TimeSpan min, TimeSpan max, Random? random = null)
{
    private int _failures;

    /// <summary>The next pause.</summary>
    public TimeSpan Next() => PauseAfter(++_failures);

    /// <summary>Starts again with the shortest pause.</summary>
    public void Reset() => _failures = 0;

    /// <summary>The pause after a number of failures in a row, whatever <see cref="Next"/> returned before.</summary>
    public TimeSpan PauseAfter(int failures)
    {
        var longest = TimeSpan.FromTicks((long)Math.Min(Math.ScaleB(min.Ticks, failures), max.Ticks));
        var pause = longest * (0.5 + (random ?? Random.Shared).NextDouble() / 2);
        return pause < min ? min : pause;
    }
}
