using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>Gives results to their batches, one call at a time for each batch. Results that arrive during a call, or
/// within <see cref="Pace"/> after it, go together with the next one. In a cluster most calls go to another web node, so
/// this saves messages.</summary>
/// <param name="batches">The parent of the live batches.</param>
/// <param name="time">The clock of the actor system.</param>
/// <param name="onTaken">Called after each call that a batch has answered with <see cref="ResultsTaken"/>. It can be
/// called on any thread: must not block or throw.</param>
internal sealed class ResultDelivery(
    IActorRef batches, TimeProvider time, Action<IReadOnlyList<JobResult>, ResultsTaken> onTaken)
{
    /// <summary>Nobody sees a delay of this length, and a result that arrives alone has none. Without the pace, three web
    /// nodes need about a third more CPU time while many results arrive.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();

    /// <summary>The results that wait for the next call. A batch without a call under way has no entry.</summary>
    private readonly Dictionary<BatchId, List<WaitingResult>> _waiting = [];

    /// <summary>Gives results to their batches. True if all batches have added theirs.</summary>
    public async Task<bool> GiveAsync(IReadOnlyList<JobResult> results)
    {
        var given = results.Select(result => new WaitingResult(result)).ToArray();
        var withoutCall = new List<BatchId>();
        lock (_lock)
        {
            foreach (var one in given)
            {
                if (_waiting.TryGetValue(one.Result.Batch, out var others))
                {
                    others.Add(one);
                    continue;
                }

                _waiting.Add(one.Result.Batch, [one]);
                withoutCall.Add(one.Result.Batch);
            }
        }

        foreach (var batch in withoutCall) _ = GiveWaitingAsync(batch);
        var areTaken = await Task.WhenAll(given.Select(one => one.Taken));
        return Array.TrueForAll(areTaken, isTaken => isTaken);
    }

    private async Task GiveWaitingAsync(BatchId batch)
    {
        // The results of one receive follow each other at once. After the yield they go in one call.
        await Task.Yield();
        while (TryTakeWaiting(batch, out var waiting))
        {
            try
            {
                var results = waiting.ConvertAll(one => one.Result);
                var taken = await AskAsync(new TakeResults(batch, results));
                if (taken is not null) onTaken(results, taken);
                foreach (var one in waiting) one.SetTaken(taken is not null);
            }
            catch (Exception failure)
            {
                // A result that cannot be sent fails the listener's stream, and supervision starts a new one.
                foreach (var one in waiting) one.SetFailure(failure);
            }

            await Task.Delay(Pace, time);
        }
    }

    private bool TryTakeWaiting(BatchId batch, [NotNullWhen(true)] out List<WaitingResult>? waiting)
    {
        lock (_lock)
        {
            if (_waiting[batch] is { Count: > 0 } some)
            {
                waiting = some;
                _waiting[batch] = [];
                return true;
            }

            _waiting.Remove(batch);
            waiting = null;
            return false;
        }
    }

    private async Task<ResultsTaken?> AskAsync(TakeResults take)
    {
        try
        {
            return await batches.Ask<IBatchAnswer>(take, AnswerTimeout) as ResultsTaken;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private sealed class WaitingResult(JobResult result)
    {
        private readonly TaskCompletionSource<bool> _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public JobResult Result => result;

        public Task<bool> Taken => _taken.Task;

        public void SetTaken(bool isTaken) => _taken.TrySetResult(isTaken);

        public void SetFailure(Exception failure) => _taken.TrySetException(failure);
    }
}
