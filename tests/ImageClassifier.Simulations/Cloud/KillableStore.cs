using System.Runtime.CompilerServices;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>The store for one program, which can be killed.</summary>
internal sealed class KillableStore(IObjectStore store, Lifeline lifeline) : IObjectStore
{
    public Task PutAsync(string key, Stream content, CancellationToken cancellation) =>
        lifeline.CallAsync(() => store.PutAsync(key, content, cancellation));

    public Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        lifeline.CallAsync(() => store.PutIfAbsentAsync(key, content, cancellation));

    public Task<StoredObject?> GetAsync(string key, CancellationToken cancellation) =>
        lifeline.CallAsync(() => store.GetAsync(key, cancellation));

    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await lifeline.CallAsync(() => Task.CompletedTask);
        await foreach (var listing in store.ListAsync(prefix, cancellation)) yield return listing;
    }

    public Task DeleteAsync(string key, CancellationToken cancellation) =>
        lifeline.CallAsync(() => store.DeleteAsync(key, cancellation));

    public Task<string?> CheckAsync(CancellationToken cancellation) =>
        lifeline.CallAsync(() => store.CheckAsync(cancellation));
}
