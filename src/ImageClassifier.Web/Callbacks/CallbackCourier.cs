using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Tries a stored delivery, and stores the outcome.</summary>
internal sealed class CallbackCourier(IObjectStore store, CallbackSender sender, TimeProvider time)
{
    private readonly StoredCallbacks _stored = new(store);

    /// <summary>Tries a delivery.</summary>
    /// <exception cref="IOException">The store does not answer. The delivery still waits.</exception>
    public async Task<CallbackTry> TryAsync(WaitingCallback waiting, CancellationToken cancellation)
    {
        switch (await _stored.ReadAsync(waiting, cancellation).ConfigureAwait(false))
        {
            case DocumentRead<CallbackDelivery>.Found { Document: var delivery }:
                // What the receiver has taken is noted even if the service stops.
                return await sender.SendAsync(delivery, cancellation).ConfigureAwait(false)
                    is CallbackAnswer.Failed failed
                    ? await FailAsync(waiting, delivery, failed).ConfigureAwait(false)
                    : await SettleAsync(waiting, delivery).ConfigureAwait(false);
            case DocumentRead<CallbackDelivery>.Damaged damaged:
                return await BuryAsync(waiting, null, $"its object is damaged: {damaged.Why}").ConfigureAwait(false);
            default:
                return new CallbackTry.Dropped();
        }
    }

    private async Task<CallbackTry> SettleAsync(WaitingCallback waiting, CallbackDelivery delivery)
    {
        await _stored.SettleAsync(waiting, CancellationToken.None).ConfigureAwait(false);
        return new CallbackTry.Delivered(delivery.Host);
    }

    private async Task<CallbackTry> FailAsync(
        WaitingCallback waiting, CallbackDelivery delivery, CallbackAnswer.Failed failed)
    {
        var tried = delivery with { Tries = delivery.Tries + 1 };
        if (failed.IsFinal || CallbackRetries.PauseAfter(tried.Tries, failed.RetryAfter) is not { } pause)
            return await BuryAsync(waiting, tried, failed.Reason).ConfigureAwait(false);
        // Keys have whole seconds.
        var due = DateTimeOffset.FromUnixTimeSeconds((time.GetUtcNow() + pause).ToUnixTimeSeconds() + 1);
        await _stored.PostponeAsync(waiting, tried, due, CancellationToken.None).ConfigureAwait(false);
        return new CallbackTry.Postponed(delivery.Host, failed.Reason, due);
    }

    private async Task<CallbackTry> BuryAsync(WaitingCallback waiting, CallbackDelivery? tried, string reason)
    {
        var dead = new DeadCallback(tried, reason, time.GetUtcNow());
        await _stored.BuryAsync(waiting, dead, CancellationToken.None).ConfigureAwait(false);
        return new CallbackTry.Died(tried?.Host, reason);
    }
}

/// <summary>The outcome of a try.</summary>
internal abstract record CallbackTry
{
    private CallbackTry()
    {
    }

    /// <summary>The receiver has taken the delivery.</summary>
    public sealed record Delivered(string Host) : CallbackTry;

    /// <summary>It is tried again later.</summary>
    public sealed record Postponed(string Host, string Reason, DateTimeOffset Due) : CallbackTry;

    /// <summary>It was given up.</summary>
    public sealed record Died(string? Host, string Reason) : CallbackTry;

    /// <summary>There was nothing to deliver any more.</summary>
    public sealed record Dropped : CallbackTry;
}
