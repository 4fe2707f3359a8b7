namespace ImageClassifier.Web.Http;

/// <summary>The time limit of each message to a subscriber. When the service stops, a message is not cancelled but gets
/// less time: a cancelled send would abort the connection before the close frame.</summary>
internal sealed class SendLimit : IDisposable
{
    private static readonly TimeSpan TimeAfterStop = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _limit;
    private readonly CancellationToken _end;
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenRegistration _ending;

    /// <summary>Creates the limit.</summary>
    /// <param name="limit">The time limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="end">The end of the subscription. After it, a message has at most five more seconds.</param>
    public SendLimit(TimeSpan limit, TimeProvider time, CancellationToken end)
    {
        _limit = limit;
        _end = end;
        _timeout = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _ending = end.Register(() => _timeout.CancelAfter(TimeAfterStop));
    }

    /// <summary>Cancelled when a message has taken too long. Each message is sent with it.</summary>
    public CancellationToken Token => _timeout.Token;

    /// <summary>Limits a message that is being sent. Most messages are sent at once, and need no timer.</summary>
    public ValueTask LimitAsync(ValueTask sending) => sending.IsCompleted ? sending : WaitAsync(sending);

    /// <inheritdoc />
    public void Dispose()
    {
        // Waits for a callback that is running.
        _ending.Dispose();
        _timeout.Dispose();
    }

    private async ValueTask WaitAsync(ValueTask sending)
    {
        _timeout.CancelAfter(_limit);
        if (_end.IsCancellationRequested) _timeout.CancelAfter(TimeAfterStop);
        await sending;
        _timeout.CancelAfter(Timeout.InfiniteTimeSpan);
    }
}
