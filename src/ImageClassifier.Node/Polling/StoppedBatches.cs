using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Models;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Finds out whether a job must not be begun: its batch was cancelled, or its deadline has passed. Safe from
/// any thread.</summary>
/// <remarks>Only the clocks of queue and store count. That of the node may be wrong.</remarks>
internal sealed class StoppedBatches(IObjectStore store, OutageRetries outages, TimeProvider time)
{
    /// <summary>How long a look at a batch counts. A message that waited for less is not looked up, so an ordinary load
    /// costs no call.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    // A batch that is forgotten is looked up again.
    private const int MostLooks = 1_000;

    private readonly RememberedCalls<(BatchId Batch, long Interval), StopCause?> _looks = new(MostLooks);

    /// <summary>Why the job must not be begun; null if it may be.</summary>
    /// <param name="request">The job.</param>
    /// <param name="delivery">Its message.</param>
    /// <exception cref="IOException">The outage lasts longer than the retries.</exception>
    public async Task<JobError?> FindAsync(ClassificationRequest request, Delivery delivery)
    {
        var message = delivery.Message;
        if (message.ReceivedAt >= request.Deadline) return BatchStop.ErrorOf(StopCause.Expired);
        // What waited in the node, for its model or its picture, is as old as what waited in the queue.
        if (IsFresh(message, time.GetMonotonic() - delivery.ReceivedAt)) return null;
        var interval = time.GetMonotonic().Ticks / LookInterval.Ticks;
        var cause = await outages.RunAsync(
            () => _looks.GetAsync((request.Batch, interval), () => LookAsync(request.Batch)));
        return cause is { } known ? BatchStop.ErrorOf(known) : null;
    }

    // If the clock was set back, the age is negative and says nothing.
    private static bool IsFresh(ReceivedMessage message, TimeSpan waited) =>
        message.ReceiveCount == 1 && message.ReceivedAt - message.SentAt is { } age
        && age >= TimeSpan.Zero && age + waited < LookInterval;

    private async Task<StopCause?> LookAsync(BatchId batch)
    {
        try
        {
            return await store.FindStopAsync(batch, CancellationToken.None);
        }
        catch (StoreRefusedException)
        {
            // The node can do its work without this object. If the whole store refuses it, the picture says so.
            return null;
        }
    }
}
