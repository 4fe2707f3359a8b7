namespace ImageClassifier.Streams;

/// <summary>How often a call is made, and how long the pauses between are.</summary>
/// <param name="Attempts">The most calls, the first included; at least 1.</param>
/// <param name="MinBackoff">The first pause, which doubles, with jitter.</param>
/// <param name="MaxBackoff">The longest pause.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    /// <summary>The most calls where each is refused for good, whatever the policy: within some ten seconds. More than
    /// one, because a permission that was just given takes a few seconds until it holds everywhere.</summary>
    public const int RefusedAttempts = 6;

    /// <summary>Five calls within two seconds or so: enough for a hiccup, and well within a lease.</summary>
    public static RetryPolicy Default { get; } = new(5, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
}
