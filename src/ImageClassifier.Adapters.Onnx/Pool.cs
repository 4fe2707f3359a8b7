namespace ImageClassifier.Adapters.Onnx;

/// <summary>A pool of objects that are expensive to create. It grows to the most that were in use at once. Safe to use
/// from several threads.</summary>
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

    /// <summary>Returns an object. After the pool's disposal the object is disposed of.</summary>
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
