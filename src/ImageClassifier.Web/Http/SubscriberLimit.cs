using System.Threading.RateLimiting;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Http;

/// <summary>Limits the WebSockets and event streams together.</summary>
internal sealed class SubscriberLimit(ResultSettings results) : IDisposable
{
    private readonly ConcurrencyLimiter _slots =
        new(new ConcurrencyLimiterOptions { PermitLimit = results.MaxSubscribers, QueueLimit = 0 });

    /// <summary>Takes a slot, or fails at once. Dispose the lease to release the slot.</summary>
    public RateLimitLease TryEnter() => _slots.AttemptAcquire();

    /// <inheritdoc />
    public void Dispose() => _slots.Dispose();
}
