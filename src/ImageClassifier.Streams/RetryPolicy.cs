namespace ImageClassifier.Streams;

/// <summary>The number of tries of a call, and the pauses between them.</summary>
/// <param name="Attempts">The most calls, including the first; at least 1.</param>
/// <param name="MinBackoff">The first pause. It doubles, with jitter.</param>
/// <param name="MaxBackoff">The longest pause.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    /// <summary>The most calls if each is refused for good, whatever the policy: about ten seconds. More than one,
    /// because a new permission takes a few seconds until it holds everywhere.</summary>
    public const int RefusedAttempts = 6;

    /// <summary>Five calls within about two seconds: enough for a short failure, and well within a lease.</summary>
    public static RetryPolicy Default { get; } = new(5, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
}
