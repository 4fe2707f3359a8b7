namespace ImageClassifier.Web.Http;

/// <summary>How long one message to a subscriber may take. It goes out whole also when the service stops, for to cancel it
/// would abort the connection and keep the client from hearing the goodbye; there is only less time for it then.</summary>
internal sealed class SendLimit : IDisposable
{
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _slow;
    private readonly CancellationTokenSource _hurry;
    private readonly CancellationTokenSource _either;
    private readonly CancellationTokenRegistration _ending;

    /// <summary>Begins to count.</summary>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="end">The subscription's end, after which a message has five seconds, if it had more.</param>
    public SendLimit(TimeSpan timeout, TimeProvider time, CancellationToken end)
    {
        _slow = new CancellationTokenSource(timeout, time);
        _hurry = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_slow.Token, _hurry.Token);
        _ending = end.Register(() => _hurry.CancelAfter(AtTheEnd));
    }

    /// <summary>Cancelled when the time is over.</summary>
    public CancellationToken Token => _either.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        // Waits for a registration that runs just now.
        _ending.Dispose();
        _either.Dispose();
        _hurry.Dispose();
        _slow.Dispose();
    }
}
