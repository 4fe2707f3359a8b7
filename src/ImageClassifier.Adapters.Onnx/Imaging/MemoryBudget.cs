namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>Memory that several threads share. First come, first served: whoever wants much is not passed by those who
/// want little, so none waits for ever.</summary>
internal sealed class MemoryBudget
{
    // Monitor, because a Lock cannot be waited on.
    private readonly object _changed = new();
    private readonly long _total;
    private long _free;
    private long _nextTurn;
    private long _turn;

    /// <summary>A budget of so many bytes.</summary>
    public MemoryBudget(long total)
    {
        _total = total;
        _free = total;
    }

    /// <summary>Whether so much can ever be had.</summary>
    public bool CanHold(long bytes) => bytes <= _total;

    /// <summary>Waits until so much is free, and takes it until the share is disposed of.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is less in all.</exception>
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

    private void GiveBack(long bytes)
    {
        lock (_changed)
        {
            _free += bytes;
            Monitor.PulseAll(_changed);
        }
    }

    /// <summary>A part of the memory; disposed of once.</summary>
    public readonly struct Share(MemoryBudget budget, long bytes) : IDisposable
    {
        public void Dispose() => budget.GiveBack(bytes);
    }
}
