using System.Runtime.CompilerServices;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Refusals;

/// <summary>A store whose refusals are recorded.</summary>
internal sealed class WatchedStore(IObjectStore store, PortRefusals refusals) : IObjectStore
{
    private static readonly PortCall Write = new("Writing into the store", IsNeededForUploads: true);
    private static readonly PortCall Read = new("Reading from the store", IsNeededForUploads: true);
    private static readonly PortCall List = new("Listing the store", IsNeededForUploads: false);
    private static readonly PortCall Delete = new("Deleting from the store", IsNeededForUploads: false);

    public Task PutAsync(string key, Stream content, CancellationToken cancellation) => refusals.WatchAsync(
        Write,
        async () =>
        {
            await store.PutAsync(key, content, cancellation).ConfigureAwait(false);
            return true;
        });

    public Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        refusals.WatchAsync(Write, () => store.PutIfAbsentAsync(key, content, cancellation));

    public Task<StoredObject?> GetAsync(string key, CancellationToken cancellation) =>
        refusals.WatchAsync(Read, () => store.GetAsync(key, cancellation));

    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var listings = store.ListAsync(prefix, cancellation).GetAsyncEnumerator(cancellation);
        await using (listings.ConfigureAwait(false))
        {
            while (await refusals.WatchAsync(List, () => listings.MoveNextAsync().AsTask()).ConfigureAwait(false))
                yield return listings.Current;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellation) => refusals.WatchAsync(
        Delete,
        async () =>
        {
            await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
            return true;
        });

    public Task<string?> CheckAsync(CancellationToken cancellation) =>
        refusals.WatchAsync(Read, () => store.CheckAsync(cancellation));
}
