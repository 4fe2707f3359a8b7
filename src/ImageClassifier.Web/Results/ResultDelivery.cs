using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>Gives results to their batches, one call at a time for each batch. Results that arrive during a call, or
/// within <see cref="ResultSettings.Pace"/> after it, go together with the next one. In a cluster most calls go to another
/// web node, so this saves messages.</summary>
/// <param name="batches">The parent of the live batches.</param>
/// <param name="time">The clock of the actor system.</param>
/// <param name="onTaken">Called after each call that a batch has answered with <see cref="ResultsTaken"/>. It can be
/// called on any thread: must not block or throw.</param>
internal sealed class ResultDelivery(
    IActorRef batches, TimeProvider time, Action<IReadOnlyList<JobResult>, ResultsTaken> onTaken)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();

    /// <summary>The batches with a call under way, and those whose last call may be within the pace.</summary>
    private readonly Dictionary<BatchId, Calls> _calls = [];

    /// <summary>The batches without a call under way, the earliest end first.</summary>
    private readonly Queue<(BatchId Batch, TimeSpan EndedAt)> _ended = [];

    /// <summary>Gives results to their batches. True if all batches have added theirs.</summary>
    public async Task<bool> GiveAsync(IReadOnlyList<JobResult> results)
    {
        var given = results.Select(result => new WaitingResult(result)).ToArray();
        var withoutCall = new List<BatchId>();
        lock (_lock)
        {
            ForgetEnded();
            foreach (var one in given)
            {
                var batch = one.Result.Batch;
                if (!_calls.TryGetValue(batch, out var calls)) _calls.Add(batch, calls = new Calls());
                calls.Waiting.Add(one);
                if (calls.IsUnderWay) continue;
                calls.IsUnderWay = true;
                withoutCall.Add(batch);
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
        while (true)
        {
            if (PauseBefore(batch) is { } pause) await Task.Delay(pause, time);
            var waiting = TakeWaiting(batch);
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

            if (End(batch)) return;
        }
    }

    private void ForgetEnded()
    {
        while (_ended.TryPeek(out var ended) && time.GetMonotonic() - ended.EndedAt >= ResultSettings.Pace)
        {
            _ended.Dequeue();
            if (_calls.TryGetValue(ended.Batch, out var calls) && !calls.IsUnderWay && calls.EndedAt == ended.EndedAt)
                _calls.Remove(ended.Batch);
        }
    }

    private TimeSpan? PauseBefore(BatchId batch)
    {
        lock (_lock)
        {
            var pause = _calls[batch].EndedAt + ResultSettings.Pace - time.GetMonotonic();
            return pause > TimeSpan.Zero ? pause : null;
        }
    }

    private List<WaitingResult> TakeWaiting(BatchId batch)
    {
        lock (_lock)
        {
            var calls = _calls[batch];
            var waiting = calls.Waiting;
            calls.Waiting = [];
            return waiting;
        }
    }

    /// <summary>Notes the end of a call. False if results wait for the next one.</summary>
    private bool End(BatchId batch)
    {
        lock (_lock)
        {
            var calls = _calls[batch];
            var now = time.GetMonotonic();
            calls.EndedAt = now;
            if (calls.Waiting.Count > 0) return false;
            calls.IsUnderWay = false;
            _ended.Enqueue((batch, now));
            return true;
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

    /// <summary>The calls to a batch.</summary>
    private sealed class Calls
    {
        /// <summary>The results for the next call.</summary>
        public List<WaitingResult> Waiting { get; set; } = [];

        public bool IsUnderWay { get; set; }

        /// <summary>The end of the last call; null if there was none.</summary>
        public TimeSpan? EndedAt { get; set; }
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
