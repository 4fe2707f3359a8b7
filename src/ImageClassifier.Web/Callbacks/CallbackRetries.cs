namespace ImageClassifier.Web.Callbacks;

/// <summary>When a delivery is tried again. The schedule is about the one that Standard Webhooks proposes, and lasts a
/// day.</summary>
internal static class CallbackRetries
{
    // A receiver may ask for more time, but not move its deliveries beyond what an operator expects.
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    // So that deliveries that failed together are not tried together.
    private const double Jitter = 0.1;

    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(8), TimeSpan.FromHours(8.5),
    ];

    /// <summary>The pause after a number of failed tries; null if there are no further tries.</summary>
    /// <param name="failures">The number of failed tries, from 1.</param>
    /// <param name="retryAfter">What the receiver asks for; null for nothing.</param>
    public static TimeSpan? PauseAfter(int failures, TimeSpan? retryAfter)
    {
        if (failures > Pauses.Length) return null;
        var pause = Pauses[failures - 1] * (1 + Random.Shared.NextDouble() * Jitter);
        if (retryAfter is not { } asked) return pause;
        if (asked > LongestRetryAfter) asked = LongestRetryAfter;
        return asked > pause ? asked : pause;
    }
}
