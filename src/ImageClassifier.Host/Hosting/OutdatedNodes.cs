using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.Hosting;

/// <summary>The nodes that a killed web tier left behind. Before the new web tier accepts uploads, nodes with another
/// model or other settings must drain, because they must not get new batches. Nodes with the same fingerprint
/// stay.</summary>
/// <param name="fleet">The fleet of the nodes.</param>
/// <param name="store">The store with the records of the nodes.</param>
/// <param name="fingerprint">The fingerprint of this web tier's nodes.</param>
/// <param name="isTierRunning">True if other web nodes run. Then a node without a record has just been launched by
/// them, and their scaler judges it.</param>
/// <param name="log">Receives the drained nodes.</param>
/// <param name="time">Measures the wait.</param>
internal sealed class OutdatedNodes(
    ProcessFleet fleet, IObjectStore store, string fingerprint, bool isTierRunning, ILogger<OutdatedNodes> log,
    TimeProvider time)
{
    // A node sees the request at once, unless it hangs or is paused.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns once no outdated node takes jobs. Such nodes finish the jobs in hand later. Nodes that do not
    /// react are terminated.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        try
        {
            var outdated = await FindAsync(cancellation);
            if (outdated.Count == 0) return;
            log.LogInformation(
                "App nodes of an earlier run have another model or other settings and drain: {Instances}", outdated);
            await fleet.RequestDrainAsync(outdated, cancellation);
            var left = await AwaitDrainAsync(outdated, cancellation);
            if (left.Count == 0) return;
            log.LogWarning("App nodes of an earlier run do not answer and are terminated: {Instances}", left);
            await fleet.EndNowAsync(left, cancellation);
        }
        catch (IOException failure)
        {
            // The scaler reads the fleet again and again, and deals with them.
            log.LogWarning("App nodes of an earlier run could not be listed: {Cause}", failure.Message);
        }
    }

    private async Task<IReadOnlyCollection<InstanceId>> FindAsync(CancellationToken cancellation)
    {
        var outdated = new List<InstanceId>();
        foreach (var instance in await fleet.DescribeAsync(cancellation))
        {
            if (instance.State == InstanceState.Ended) continue;
            var known = await FingerprintOfAsync(instance.Id, cancellation);
            if (known != fingerprint && !(known is null && isTierRunning)) outdated.Add(instance.Id);
        }

        return outdated;
    }

    private async Task<string?> FingerprintOfAsync(InstanceId instance, CancellationToken cancellation)
    {
        var record = await store.ReadDocumentAsync<NodeRecord>(ObjectKeys.Node(instance), cancellation);
        return record.OrNull?.Fingerprint;
    }

    /// <returns>The outdated nodes that still take jobs at the time limit.</returns>
    private async Task<IReadOnlyCollection<InstanceId>> AwaitDrainAsync(
        IReadOnlyCollection<InstanceId> outdated, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            // A node that is still booting was already asked to drain.
            var left = (await fleet.DescribeAsync(cancellation))
                .Where(instance => instance.State == InstanceState.Running && outdated.Contains(instance.Id))
                .Select(instance => instance.Id)
                .ToArray();
            if (left.Length == 0 || time.GetElapsedTime(started) >= Patience) return left;
            await Task.Delay(CheckInterval, time, cancellation);
        }
    }
}
