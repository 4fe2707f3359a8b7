namespace ImageClassifier.Tests.Embedded;

/// <summary>Time that a test controls: durations, and separately the wall clock.</summary>
public sealed class MovableTime : TimeProvider
{
    private long _passed;
    private long _wallError;

    /// <summary>Lets time pass.</summary>
    public void Pass(TimeSpan time) => Interlocked.Add(ref _passed, time.Ticks);

    /// <summary>Sets the wall clock forward or back.</summary>
    public void SetWallClock(TimeSpan by) => Interlocked.Add(ref _wallError, by.Ticks);

    public override DateTimeOffset GetUtcNow() =>
        base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _passed) + Interlocked.Read(ref _wallError));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => TimeSpan.FromHours(1).Ticks + Interlocked.Read(ref _passed);
}
