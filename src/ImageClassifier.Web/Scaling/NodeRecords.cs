using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Scaling;

/// <summary>Reads the records of nodes from the store; one that has not changed is not read again.</summary>
internal sealed class NodeRecords(IObjectStore store)
{
    // A look waits for them; a fleet may have a thousand.
    private const int ReadAtOnce = 32;

    private IReadOnlyDictionary<InstanceId, NodeSighting> _last = new Dictionary<InstanceId, NodeSighting>();

    /// <summary>The records that there are.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public async Task<IReadOnlyList<NodeSighting>> ReadAsync(CancellationToken cancellation)
    {
        var listed = new List<ObjectListing>();
        await foreach (var listing in store.ListAsync(ObjectKeys.Nodes, cancellation)) listed.Add(listing);

        var sightings = new List<NodeSighting>();
        foreach (var some in listed.Chunk(ReadAtOnce))
        {
            var read = await Task.WhenAll(some.Select(listing => ReadAsync(listing, cancellation)));
            sightings.AddRange(read.OfType<NodeSighting>());
        }

        _last = sightings.ToDictionary(sighting => sighting.Id);
        return sightings;
    }

    /// <summary>Deletes the records of instances that are gone.</summary>
    public async Task DeleteAsync(IReadOnlyList<InstanceId> instances, CancellationToken cancellation)
    {
        foreach (var instance in instances) await store.DeleteAsync(ObjectKeys.Node(instance), cancellation);
    }

    private async Task<NodeSighting?> ReadAsync(ObjectListing listing, CancellationToken cancellation)
    {
        if (!ObjectKeys.TryParseNode(listing.Key, out var id)) return null;
        if (_last.TryGetValue(id, out var last) && last.LastModified == listing.LastModified) return last;
        var record = await store.ReadDocumentAsync<NodeRecord>(listing.Key, cancellation);
        // A damaged record is a sign of life all the same.
        return new NodeSighting(id, listing.LastModified, record.OrNull);
    }
}
