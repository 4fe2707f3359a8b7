using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Node.Termination;

/// <summary>Finds the live nodes by the ages of their heartbeat records. It lists the records and reads none.</summary>
/// <param name="store">The store of the records.</param>
/// <param name="self">The instance of this node.</param>
/// <param name="recordInterval">The longest interval between two writes of a node's record.</param>
internal sealed class LiveNodes(IObjectStore store, InstanceId self, TimeSpan recordInterval)
{
    // A node that misses two writes in a row is dead, paused or cut off from the store.
    private const int IntervalsOfLife = 3;

    /// <summary>Finds the place of this node among all live nodes, in the order of their ids. All nodes see the same
    /// order.</summary>
    /// <returns>How many nodes precede this one, and how many there are; null if this node has no fresh
    /// record.</returns>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public async Task<(int Place, int Nodes)?> FindPlaceAsync(CancellationToken cancellation)
    {
        var records = new List<(InstanceId Node, DateTimeOffset WrittenAt)>();
        await foreach (var listing in store.ListAsync(ObjectKeys.Nodes, cancellation))
        {
            if (ObjectKeys.TryParseNode(listing.Key, out var node)) records.Add((node, listing.LastModified));
        }

        // By the store's clock alone: this machine's may be wrong.
        var newest = records.Count > 0 ? records.Max(record => record.WrittenAt) : default;
        var live = records.FindAll(record => newest - record.WrittenAt < IntervalsOfLife * recordInterval);
        var place = live.FindIndex(record => record.Node == self);
        return place < 0 ? null : (place, live.Count);
    }
}
