namespace ImageClassifier.Web.Access;

/// <summary>Limits calls without a right key per address. It never blocks a right key: that key may come from the same
/// address as another caller's attempts.</summary>
internal sealed class RefusalRateLimit(AccessSettings access, TimeProvider time)
{
    private readonly TokenBuckets _buckets = new(access.Refusals, time);

    /// <summary>Counts a refused call; null within the limit, otherwise the time to wait.</summary>
    public TimeSpan? Count(Caller caller) => _buckets.Take(caller.Network);
}
