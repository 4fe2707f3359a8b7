namespace ImageClassifier.Web.Http.Connections;

/// <summary>Places for the sockets of all listeners together, WebSockets included. Where none is free, accepting waits.
/// </summary>
internal sealed class ConnectionPlaces(int count) : IDisposable
{
    private readonly SemaphoreSlim _places = new(count);

    /// <summary>Whether all are taken at the moment.</summary>
    public bool AreTaken => _places.CurrentCount == 0;

    /// <summary>Takes a place; waits for one where none is free.</summary>
    public Task EnterAsync(CancellationToken cancellation) => _places.WaitAsync(cancellation);

    /// <summary>Gives a place back.</summary>
    public void Leave() => _places.Release();

    /// <inheritdoc />
    public void Dispose() => _places.Dispose();
}
