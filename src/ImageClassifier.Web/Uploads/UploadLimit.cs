using System.Threading.RateLimiting;
using ImageClassifier.Web.Edge;

namespace ImageClassifier.Web.Uploads;

/// <summary>Limits the uploads that stream into the store at once. Uploads beyond the limit wait; the oldest goes
/// first.</summary>
internal sealed class UploadLimit(UploadSettings settings, TimeProvider time) : IDisposable
{
    private readonly ConcurrencyLimiter _slots = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = settings.MaxConcurrent,
        QueueLimit = settings.MaxWaiting,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Waits for a slot, up to the edge's answer time-out. Dispose the lease to release the slot.</summary>
    /// <returns>Null if too many uploads wait, or if the time is up.</returns>
    /// <exception cref="OperationCanceledException">The request was cancelled.</exception>
    public async Task<RateLimitLease?> EnterAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(EdgeTimeouts.Answer, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var lease = await _slots.AcquireAsync(1, end.Token);
            if (lease.IsAcquired) return lease;
            lease.Dispose();
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _slots.Dispose();
}
