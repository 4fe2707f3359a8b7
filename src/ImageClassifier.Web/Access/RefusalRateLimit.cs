using System.Threading.RateLimiting;

namespace ImageClassifier.Web.Access;

/// <summary>Limits calls without a right key per address. It never blocks a right key: that key may come from the same
/// address as another caller's attempts.</summary>
internal sealed class RefusalRateLimit(AccessSettings access) : IDisposable
{
    private readonly PartitionedRateLimiter<Caller> _limiter =
        PartitionedRateLimiter.Create<Caller, string>(caller => access.Refusals.Partition(caller.Network));

    /// <summary>Counts a refused call; null within the limit, otherwise the time to wait.</summary>
    public TimeSpan? Count(Caller caller)
    {
        using var lease = _limiter.AttemptAcquire(caller);
        return lease.IsAcquired ? null : UploadRateLimit.RetryAfterOf(lease);
    }

    /// <inheritdoc />
    public void Dispose() => _limiter.Dispose();
}
