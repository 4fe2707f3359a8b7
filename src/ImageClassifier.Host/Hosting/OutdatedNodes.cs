using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.Hosting;

/// <summary>The nodes that a web tier which was killed left behind. Those with another model or other settings than
/// this one's drain before it takes uploads: a new batch is not for them. Equal ones go on.</summary>
/// <param name="fleet">Where the nodes are.</param>
/// <param name="store">Where their records are.</param>
/// <param name="fingerprint">What the nodes of this web tier answer with.</param>
/// <param name="isTierRunning">Whether other web nodes run. Then a node without a record is one that they have just
/// launched, and their scaler judges it.</param>
/// <param name="log">Logs which nodes are drained.</param>
/// <param name="time">Measures the wait.</param>
internal sealed class OutdatedNodes(
    ProcessFleet fleet, IObjectStore store, string fingerprint, bool isTierRunning, ILogger<OutdatedNodes> log,
    TimeProvider time)
{
    // A node hears of it at once. One that does not hangs or is stopped.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns once none of them takes work any more; what they have in hand they finish later. Those that do
    /// not answer are ended.</summary>
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
            log.LogWarning("App nodes of an earlier run do not answer and are ended: {Instances}", left);
            await fleet.EndNowAsync(left, cancellation);
        }
        catch (IOException failure)
        {
            // The scaler looks for them again and again.
            log.LogWarning("App nodes of an earlier run could not be looked for: {Cause}", failure.Message);
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

    /// <returns>Those that still take work when patience is over.</returns>
    private async Task<IReadOnlyCollection<InstanceId>> AwaitDrainAsync(
        IReadOnlyCollection<InstanceId> outdated, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            // One that still boots has been asked before it comes up.
            var left = (await fleet.DescribeAsync(cancellation))
                .Where(instance => instance.State == InstanceState.Running && outdated.Contains(instance.Id))
                .Select(instance => instance.Id)
                .ToArray();
            if (left.Length == 0 || time.GetElapsedTime(started) >= Patience) return left;
            await Task.Delay(LookInterval, time, cancellation);
        }
    }
}
