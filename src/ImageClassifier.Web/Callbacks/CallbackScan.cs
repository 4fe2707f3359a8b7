using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Callbacks;

/// <summary>One walk over the keys of all waiting deliveries. Memory is bounded: it takes some due deliveries of each
/// receiver, and a later walk takes the next ones.</summary>
internal static class CallbackScan
{
    // 8,192 keys are some 2 MB. So many receivers that hang at once would delay the others.
    private const int MostReceivers = 128;
    private const int MostOfReceiver = 64;

    /// <summary>Walks over the keys.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    public static async Task<CallbackFindings> RunAsync(
        IObjectStore store, DateTimeOffset now, CancellationToken cancellation)
    {
        var due = new Dictionary<string, Queue<WaitingCallback>>();
        DateTimeOffset? next = null;
        var isPartial = false;
        await foreach (var found in store.ListAsync(CallbackKeys.Waiting, cancellation).ConfigureAwait(false))
        {
            if (!CallbackKeys.TryParseWaiting(found.Key, out var waiting)) continue;
            if (waiting.Due > now)
            {
                if (next is null || waiting.Due < next) next = waiting.Due;
                continue;
            }

            if (!due.TryGetValue(waiting.Receiver, out var ofReceiver))
            {
                if (due.Count == MostReceivers)
                {
                    isPartial = true;
                    continue;
                }

                due.Add(waiting.Receiver, ofReceiver = new Queue<WaitingCallback>());
            }

            if (ofReceiver.Count < MostOfReceiver) ofReceiver.Enqueue(waiting);
            else isPartial = true;
        }

        return new CallbackFindings(due, next, isPartial);
    }
}

/// <summary>The findings of a walk.</summary>
/// <param name="Due">Due deliveries by receiver.</param>
/// <param name="Next">When the next of the others is due; null if there are none.</param>
/// <param name="IsPartial">True if more deliveries are due than these.</param>
internal sealed record CallbackFindings(
    IReadOnlyDictionary<string, Queue<WaitingCallback>> Due, DateTimeOffset? Next, bool IsPartial);
