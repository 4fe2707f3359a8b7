namespace ImageClassifier.Node.Models;

/// <summary>Remembers the results of calls by their keys. Callers with the same key share one call. A failed call is made
/// again. Safe from any thread.</summary>
/// <param name="most">The most results. After that, the oldest is forgotten.</param>
internal sealed class RememberedCalls<TKey, TValue>(int most)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Task<TValue>> _calls = [];
    private readonly Queue<TKey> _order = new();

    /// <summary>The result for a key, from an earlier call if there was one.</summary>
    public Task<TValue> GetAsync(TKey key, Func<Task<TValue>> call)
    {
        lock (_lock)
        {
            var isKnown = _calls.TryGetValue(key, out var known);
            if (isKnown && !known!.IsFaulted && !known.IsCanceled) return known;
            if (!isKnown) _order.Enqueue(key);
            if (_order.Count > most) _calls.Remove(_order.Dequeue());
            return _calls[key] = Task.Run(call);
        }
    }
}
