using System.Threading.RateLimiting;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Http;

/// <summary>How many WebSockets and event streams there may be at once, together.</summary>
internal sealed class SubscriberLimit(ResultSettings results) : IDisposable
{
    private readonly ConcurrencyLimiter _places =
        new(new ConcurrencyLimiterOptions { PermitLimit = results.MaxSubscribers, QueueLimit = 0 });

    /// <summary>Takes a place, or fails at once; dispose of it to give it back.</summary>
    public RateLimitLease Enter() => _places.AttemptAcquire();

    /// <inheritdoc />
    public void Dispose() => _places.Dispose();
}
