namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Cancels a call on which nothing has moved for a time.</summary>
internal sealed class SilenceLimit : IDisposable
{
    private readonly TimeSpan _longest;
    private readonly CancellationTokenSource _silence;
    private readonly CancellationTokenSource _either;

    public SilenceLimit(TimeSpan longest, TimeProvider time, CancellationToken cancellation)
    {
        _longest = longest;
        _silence = new CancellationTokenSource(longest, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silence.Token, cancellation);
    }

    /// <summary>Cancelled by the silence, or by the caller.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>True if the time is up.</summary>
    public bool IsOver => _silence.IsCancellationRequested;

    /// <summary>Something moved.</summary>
    public void Extend() => _silence.CancelAfter(_longest);

    /// <inheritdoc />
    public void Dispose()
    {
        _either.Dispose();
        _silence.Dispose();
    }
}
