namespace ImageClassifier.Adapters.Onnx;

/// <summary>Keeps objects that are costly to make for the next who needs one. It holds as many as were ever in use at
/// once. Safe for use from several threads.</summary>
internal sealed class Pool<T>(Func<T> create) : IDisposable
    where T : class, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<T> _idle = new();
    private bool _disposed;

    public T Rent()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_idle.TryPop(out var item)) return item;
        }

        return create();
    }

    /// <summary>Takes an object back; one that comes after the pool's end is disposed of.</summary>
    public void Return(T item)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _idle.Push(item);
                return;
            }
        }

        item.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_idle.TryPop(out var item)) item.Dispose();
        }
    }
}
