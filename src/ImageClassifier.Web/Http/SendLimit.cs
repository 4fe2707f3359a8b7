namespace ImageClassifier.Web.Http;

/// <summary>The time limit of each message to a subscriber. When the service stops, a message under way has five more
/// seconds. A cancelled send would abort the connection before the close frame.</summary>
/// <param name="limit">The time limit.</param>
/// <param name="time">The clock.</param>
/// <param name="end">The end of the subscription.</param>
internal sealed class SendLimit(TimeSpan limit, TimeProvider time, CancellationToken end) : IDisposable
{
    private static readonly TimeSpan TimeAfterStop = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _timeout = new(Timeout.InfiniteTimeSpan, time);

    /// <summary>Cancelled when a message has taken too long. Each message is sent with it.</summary>
    public CancellationToken Token => _timeout.Token;

    /// <summary>Limits a message that is being sent. Most messages are sent at once, and need no timer.</summary>
    public ValueTask LimitAsync(ValueTask sending) => sending.IsCompleted ? sending : WaitAsync(sending);

    /// <inheritdoc />
    public void Dispose() => _timeout.Dispose();

    private async ValueTask WaitAsync(ValueTask sending)
    {
        _timeout.CancelAfter(limit);
        // Runs at once if the subscription has ended.
        using (end.Register(() => _timeout.CancelAfter(TimeAfterStop))) await sending;
        _timeout.CancelAfter(Timeout.InfiniteTimeSpan);
    }
}
