namespace ImageClassifier.Tests.Contracts;

/// <summary>A clock that is hours wrong, with right timers, like that of a badly set machine.</summary>
public sealed class SkewedTimeProvider(TimeSpan skew) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
}
