namespace ImageClassifier.Web.Http;

/// <summary>The time limit of one message to a subscriber. When the service stops, the message is not cancelled but
/// gets less time: a cancelled send would abort the connection before the close frame.</summary>
internal sealed class SendLimit : IDisposable
{
    private static readonly TimeSpan TimeAfterStop = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _stopTimeout;
    private readonly CancellationTokenSource _either;
    private readonly CancellationTokenRegistration _ending;

    /// <summary>Starts the time limit.</summary>
    /// <param name="timeout">The time limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="end">The end of the subscription. After it, the message has at most five more seconds.</param>
    public SendLimit(TimeSpan timeout, TimeProvider time, CancellationToken end)
    {
        _timeout = new CancellationTokenSource(timeout, time);
        _stopTimeout = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, _stopTimeout.Token);
        _ending = end.Register(() => _stopTimeout.CancelAfter(TimeAfterStop));
    }

    /// <summary>Cancelled when the time is up.</summary>
    public CancellationToken Token => _either.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        // Waits for a callback that is running.
        _ending.Dispose();
        _either.Dispose();
        _stopTimeout.Dispose();
        _timeout.Dispose();
    }
}
