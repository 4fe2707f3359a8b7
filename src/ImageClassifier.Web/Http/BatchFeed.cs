using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Supervision;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>Asks batches on behalf of requests.</summary>
internal sealed class BatchFeed(IRequiredActor<WebSupervisorActor> tier, ResultSettings settings)
{
    /// <summary>Yields the pages of events after a position, with an empty page at each heartbeat, and ends after the
    /// last event. An answer that is no <see cref="EventPage"/> is the last one.</summary>
    public async IAsyncEnumerable<IBatchAnswer> ReadAsync(
        BatchId batch, EventId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // The first page comes without a wait, so that the caller learns early whether the batch exists.
        var wait = TimeSpan.Zero;
        while (true)
        {
            var answer = await tier.ActorRef.Ask<IBatchAnswer>(
                new ReadEvents(batch, after, wait), wait + EdgeTimeouts.WholeBatch, cancellation);
            yield return answer;
            if (answer is not EventPage page || page.Finished) yield break;
            if (page.Events.Count > 0) after = page.Events[^1].Id;
            wait = settings.Heartbeat;
        }
    }

    /// <summary>Sends one command and returns its answer.</summary>
    public Task<IBatchAnswer> AskAsync(IBatchCommand command, CancellationToken cancellation) =>
        tier.ActorRef.Ask<IBatchAnswer>(command, EdgeTimeouts.WholeBatch, cancellation);
}
