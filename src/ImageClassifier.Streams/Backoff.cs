namespace ImageClassifier.Streams;

/// <summary>Pauses after failures in a row: doubling from a least to a most, each drawn from the upper half, so that
/// programs that failed together do not come back together.</summary>
/// <param name="min">The shortest pause.</param>
/// <param name="max">The longest pause.</param>
/// <param name="random">What draws; the process's own where none is given.</param>
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

    /// <summary>Begins again with the shortest.</summary>
    public void Reset() => _last = null;
}
