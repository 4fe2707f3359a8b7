using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Scaling;

/// <summary>Reads the records of nodes from the store. A record that has not changed is not read again.</summary>
internal sealed class NodeRecordReader(IObjectStore store)
{
    // The scaler waits for the records, and a fleet can have a thousand.
    private const int ReadAtOnce = 32;

    private Dictionary<InstanceId, StoredNodeRecord> _lastRead = [];

    /// <summary>Reads all records.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public async Task<IReadOnlyList<StoredNodeRecord>> ReadAsync(CancellationToken cancellation)
    {
        var listed = new List<ObjectListing>();
        await foreach (var listing in store.ListAsync(ObjectKeys.Nodes, cancellation)) listed.Add(listing);

        var records = new List<StoredNodeRecord>();
        foreach (var chunk in listed.Chunk(ReadAtOnce))
        {
            var read = await Task.WhenAll(chunk.Select(listing => ReadAsync(listing, cancellation)));
            records.AddRange(read.OfType<StoredNodeRecord>());
        }

        _lastRead = records.ToDictionary(record => record.Id);
        return records;
    }

    /// <summary>Deletes the records of ended instances.</summary>
    public async Task DeleteAsync(IReadOnlyList<InstanceId> instances, CancellationToken cancellation)
    {
        foreach (var instance in instances) await store.DeleteAsync(ObjectKeys.Node(instance), cancellation);
    }

    private async Task<StoredNodeRecord?> ReadAsync(ObjectListing listing, CancellationToken cancellation)
    {
        if (!ObjectKeys.TryParseNode(listing.Key, out var id)) return null;
        if (_lastRead.TryGetValue(id, out var last) && last.LastModified == listing.LastModified) return last;
        var record = await store.ReadDocumentAsync<NodeRecord>(listing.Key, cancellation);
        // A damaged record still proves that the node is alive.
        return new StoredNodeRecord(id, listing.LastModified, record.OrNull);
    }
}
