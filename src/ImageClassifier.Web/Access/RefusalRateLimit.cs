using System.Threading.RateLimiting;

namespace ImageClassifier.Web.Access;

/// <summary>Counts the calls of each address that had no right key. It never shuts out a right key, which may come from
/// the same address as someone else's attempts.</summary>
internal sealed class RefusalRateLimit(AccessSettings access) : IDisposable
{
    private readonly PartitionedRateLimiter<Caller> _limiter =
        PartitionedRateLimiter.Create<Caller, string>(caller => access.Refusals.Partition(caller.Network));

    /// <summary>Counts one; null while it is within the limit, else when to come back.</summary>
    public TimeSpan? Count(Caller caller)
    {
        using var lease = _limiter.AttemptAcquire(caller);
        return lease.IsAcquired ? null : UploadRateLimit.RetryAfterOf(lease);
    }

    /// <inheritdoc />
    public void Dispose() => _limiter.Dispose();
}
