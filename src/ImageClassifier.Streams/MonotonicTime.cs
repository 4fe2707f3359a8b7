namespace ImageClassifier.Streams;

/// <summary>Time that no one sets: for how long something lasts, whatever becomes of the machine's clock meanwhile.</summary>
public static class MonotonicTime
{
    /// <summary>The time since some moment before the program's start, the same for all who ask this provider.</summary>
    public static TimeSpan GetMonotonic(this TimeProvider time) => time.GetElapsedTime(startingTimestamp: 0);
}
