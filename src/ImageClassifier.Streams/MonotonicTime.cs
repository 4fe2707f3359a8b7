namespace ImageClassifier.Streams;

/// <summary>Time for durations: setting the machine's clock does not change it.</summary>
public static class MonotonicTime
{
    /// <summary>The time since a fixed moment before the program's start. It is the same for all users of this
    /// provider.</summary>
    public static TimeSpan GetMonotonic(this TimeProvider time) => time.GetElapsedTime(startingTimestamp: 0);

    /// <summary>The same as a time from which others are subtracted. It is not the time of day.</summary>
    public static DateTimeOffset GetMonotonicNow(this TimeProvider time) =>
        DateTimeOffset.UnixEpoch + time.GetMonotonic();
}
