using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>Asks batches on behalf of requests, on whichever web node a batch lives.</summary>
internal sealed class BatchFeed(
    IRequiredActor<BatchActor> batches, ClusterMembership membership, ResultSettings settings, TimeProvider time)
{
    // When a web node dies, its batches start on another node within about ten seconds. Until then questions get lost, also
    // to batches that start just then.
    private static readonly TimeSpan TryTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ReadEvents, Lazy<Task<IBatchAnswer>>> _shared = new();

    /// <summary>Yields the pages of events after a position, with an empty page at each heartbeat, and ends after the
    /// last event. An answer that is no <see cref="EventPage"/> is the last one.</summary>
    /// <exception cref="AskTimeoutException">The batch does not answer.</exception>
    public async IAsyncEnumerable<IBatchAnswer> ReadAsync(
        BatchId batch, EventId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // The first page comes without a wait, so that the caller learns early whether the batch exists.
        var wait = TimeSpan.Zero;
        while (true)
        {
            var question = new ReadEvents(batch, after, wait);
            var answer = wait > TimeSpan.Zero
                ? await ShareAsync(question).WaitAsync(cancellation)
                : await AskAgainAsync(question, wait, cancellation);
            yield return answer;
            if (answer is not EventPage page || page.Finished) yield break;
            if (page.Events.Count > 0) after = page.Events[^1].Id;
            // A batch that stops answers its readers with an empty page. Its parent must notice the stop before the next question.
            else if (wait > TimeSpan.Zero) await Task.Delay(ResultSettings.Pace, time, cancellation);
            wait = settings.Heartbeat;
        }
    }

    /// <summary>The whole <see cref="BatchView"/>, or why there is none.</summary>
    /// <exception cref="AskTimeoutException">The batch does not answer.</exception>
    public async Task<IBatchAnswer> ViewAsync(BatchId batch, CancellationToken cancellation)
    {
        var jobs = new List<JobDocument>();
        while (true)
        {
            var answer = await AskAgainAsync(new GetBatch(batch, jobs.Count), TimeSpan.Zero, cancellation);
            if (answer is not BatchView page) return answer;
            jobs.AddRange(page.Jobs);
            if (jobs.Count >= page.Total || page.Jobs.Count == 0) return page with { Jobs = jobs };
        }
    }

    /// <summary>Deletes the batch.</summary>
    /// <exception cref="AskTimeoutException">The batch does not answer.</exception>
    public async Task<IBatchAnswer> DeleteAsync(BatchId batch, CancellationToken cancellation)
    {
        var isRepeated = false;
        var answer = await AskAgainAsync(
            new DeleteBatch(batch), TimeSpan.Zero, cancellation, onRepeat: () => isRepeated = true);
        // The batch has gone since the first try.
        return isRepeated && answer is NoSuchBatch ? new BatchDeleted(batch) : answer;
    }

    /// <summary>Ends the jobs of the batch that have no result.</summary>
    /// <exception cref="AskTimeoutException">The batch does not answer.</exception>
    public Task<IBatchAnswer> CancelAsync(BatchId batch, CancellationToken cancellation) =>
        AskAgainAsync(new CancelWaiting(batch), TimeSpan.Zero, cancellation);

    /// <summary>Readers that wait at the same position of a batch share one question. In a cluster the batch mostly lives
    /// on another web node, so this saves messages.</summary>
    private Task<IBatchAnswer> ShareAsync(ReadEvents question)
    {
        return _shared.GetOrAdd(question, shared => new Lazy<Task<IBatchAnswer>>(() => AskSharedAsync(shared))).Value;

        async Task<IBatchAnswer> AskSharedAsync(ReadEvents shared)
        {
            try
            {
                return await AskAgainAsync(shared, shared.Wait, CancellationToken.None);
            }
            finally
            {
                _shared.TryRemove(shared, out _);
            }
        }
    }

    /// <summary>Asks a question that can be repeated, and repeats it while nobody answers, or when the web node that was asked
    /// may be the one that has left.</summary>
    private async Task<IBatchAnswer> AskAgainAsync(
        IBatchCommand question, TimeSpan wait, CancellationToken cancellation, Action? onRepeat = null)
    {
        var left = EdgeTimeouts.WholeBatch;
        while (true)
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, membership.NextLoss);
            try
            {
                return await batches.ActorRef.Ask<IBatchAnswer>(question, wait + TryTimeout, end.Token);
            }
            catch (AskTimeoutException) when (left > TryTimeout)
            {
                left -= TryTimeout;
                onRepeat?.Invoke();
            }
            catch (OperationCanceledException) when (end.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                onRepeat?.Invoke();
            }
        }
    }
}
