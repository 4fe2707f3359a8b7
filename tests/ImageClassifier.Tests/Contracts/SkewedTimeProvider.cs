namespace ImageClassifier.Tests.Contracts;

/// <summary>A clock that is hours off, and whose timers are right: what a badly set machine has.</summary>
public sealed class SkewedTimeProvider(TimeSpan skew) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
}
