using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>The store for a web tier. It answers the note of a launch some time after it has stored it, so the web tier
/// can be killed between note and launch. Other calls take no time.</summary>
internal sealed class NotingStore(IObjectStore store, TimeSpan noteAnswer, TimeProvider time) : IObjectStore
{
    public async Task<bool> PutIfAbsentAsync(
        string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var isFirst = await store.PutIfAbsentAsync(key, content, cancellation);
        if (key.StartsWith(ObjectKeys.Launches, StringComparison.Ordinal))
            await Task.Delay(noteAnswer, time, cancellation);
        return isFirst;
    }

    public Task PutAsync(string key, Stream content, CancellationToken cancellation) =>
        store.PutAsync(key, content, cancellation);

    public Task<StoredObject?> GetAsync(string key, CancellationToken cancellation) =>
        store.GetAsync(key, cancellation);

    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, CancellationToken cancellation) =>
        store.ListAsync(prefix, cancellation);

    public Task DeleteAsync(string key, CancellationToken cancellation) => store.DeleteAsync(key, cancellation);

    public Task<string?> CheckAsync(CancellationToken cancellation) => store.CheckAsync(cancellation);
}
