using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>
/// The store for a node whose work takes time. A picture arrives when the node would have finished it, one after the
/// other however many are requested at once. So a busy node does one picture per service time. Other calls take no
/// time.
/// </summary>
internal sealed class WorkingStore(IObjectStore store, TimeSpan serviceTime, TimeProvider time) : IObjectStore
{
    private readonly Lock _lock = new();
    private DateTimeOffset _busyUntil;

    public async Task<StoredObject?> GetAsync(string key, CancellationToken cancellation)
    {
        if (key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)) await WorkAsync(cancellation);
        return await store.GetAsync(key, cancellation);
    }

    public Task PutAsync(string key, Stream content, CancellationToken cancellation) =>
        store.PutAsync(key, content, cancellation);

    public Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        store.PutIfAbsentAsync(key, content, cancellation);

    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, CancellationToken cancellation) =>
        store.ListAsync(prefix, cancellation);

    public Task DeleteAsync(string key, CancellationToken cancellation) => store.DeleteAsync(key, cancellation);

    public Task<string?> CheckAsync(CancellationToken cancellation) => store.CheckAsync(cancellation);

    private Task WorkAsync(CancellationToken cancellation)
    {
        TimeSpan left;
        lock (_lock)
        {
            var now = time.GetUtcNow();
            _busyUntil = (_busyUntil > now ? _busyUntil : now) + serviceTime;
            left = _busyUntil - now;
        }

        return Task.Delay(left, time, cancellation);
    }
}
