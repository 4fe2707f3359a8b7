namespace ImageClassifier.Web.Http.Connections;

/// <summary>The connection slots that all listeners share, WebSockets included. Accepting waits while none is
/// free.</summary>
internal sealed class ConnectionSlots(int count) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(count);

    /// <summary>Whether no slot is free at the moment.</summary>
    public bool AreAllTaken => _slots.CurrentCount == 0;

    /// <summary>Takes a slot, and waits while none is free.</summary>
    public Task AcquireAsync(CancellationToken cancellation) => _slots.WaitAsync(cancellation);

    /// <summary>Releases a slot.</summary>
    public void Release() => _slots.Release();

    /// <inheritdoc />
    public void Dispose() => _slots.Dispose();
}
