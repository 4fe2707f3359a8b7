namespace ImageClassifier.Streams;

/// <summary>Exponential back-off: the pause doubles with each failure up to a maximum. Jitter draws each pause from its
/// upper half, so that programs that failed together do not retry together.</summary>
/// <param name="min">The shortest pause.</param>
/// <param name="max">The longest pause.</param>
/// <param name="random">The source of the jitter; null for <see cref="Random.Shared"/>.</param>
public sealed class Backoff(TimeSpan min, TimeSpan max, Random? random = null)
{
    private TimeSpan? _last;

    /// <summary>The next pause.</summary>
    public TimeSpan Next()
    {
        var doubled = (_last ?? min) * 2;
        var longest = doubled < max ? doubled : max;
        _last = longest;
        var pause = longest * (0.5 + (random ?? Random.Shared).NextDouble() / 2);
        return pause < min ? min : pause;
    }

    /// <summary>Starts again with the shortest pause.</summary>
    public void Reset() => _last = null;
}
