namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>A memory budget that several threads share. It is given out in order of arrival, so that small requests
/// cannot delay a large one for ever.</summary>
internal sealed class MemoryBudget
{
    // Monitor, because a Lock cannot be waited on.
    private readonly object _changed = new();
    private readonly long _total;
    private long _free;
    private long _nextTurn;
    private long _turn;

    /// <summary>Creates a budget of a number of bytes.</summary>
    public MemoryBudget(long total)
    {
        _total = total;
        _free = total;
    }

    /// <summary>True if the budget is large enough for a number of bytes.</summary>
    public bool CanHold(long bytes) => bytes <= _total;

    /// <summary>Waits until the bytes are free, and reserves them until the share is disposed of.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The budget is smaller than that.</exception>
    public Share Take(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _total);
        lock (_changed)
        {
            var turn = _nextTurn++;
            while (turn != _turn || bytes > _free) Monitor.Wait(_changed);
            _turn++;
            _free -= bytes;
            Monitor.PulseAll(_changed);
        }

        return new Share(this, bytes);
    }

    private void Release(long bytes)
    {
        lock (_changed)
        {
            _free += bytes;
            Monitor.PulseAll(_changed);
        }
    }

    /// <summary>A reserved part of the budget. Dispose of it once.</summary>
    public readonly struct Share(MemoryBudget budget, long bytes) : IDisposable
    {
        public void Dispose() => budget.Release(bytes);
    }
}
