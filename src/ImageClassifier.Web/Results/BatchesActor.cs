using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The live batches: starts one when it is asked for, routes commands to it, and lets it go again. Commands that
/// come while a batch leaves wait for its next life.</summary>
public sealed class BatchesActor : ReceiveActor
{
    private readonly IObjectStore _store;
    private readonly ResultSettings _settings;
    private readonly Dictionary<BatchId, IActorRef> _live = [];
    private readonly Dictionary<BatchId, Queue<Waiting>> _leaving = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>Creates the actor.</summary>
    public BatchesActor(IObjectStore store, ResultSettings settings)
    {
        _store = store;
        _settings = settings;

        Receive<IBatchCommand>(command => Route(command, Sender));
        Receive<BatchesProtocol.Passivate>(passivate => OnPassivate(passivate.Batch));
        Receive<Terminated>(terminated => OnTerminated(BatchId.Parse(terminated.ActorRef.Path.Name)));
    }

    /// <summary>A batch that fails has lost nothing, since the store is the truth: it is let go, and starts anew when it is
    /// asked for.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Route(IBatchCommand command, IActorRef sender)
    {
        if (_leaving.TryGetValue(command.Batch, out var waiting))
        {
            waiting.Enqueue(new Waiting(command, sender));
            return;
        }

        if (!_live.TryGetValue(command.Batch, out var batch))
        {
            if (_live.Count >= _settings.MaxLiveBatches)
            {
                _log.Warning("{Count} batches are live, which is the limit", _live.Count);
                sender.Tell(new BatchUnavailable(command.Batch));
                return;
            }

            batch = Context.ActorOf(
                Props.Create(() => new BatchActor(command.Batch, _store, _settings)), command.Batch.Value);
            Context.Watch(batch);
            _live.Add(command.Batch, batch);
        }

        batch.Tell(command, sender);
    }

    private void OnPassivate(BatchId id)
    {
        if (!_live.Remove(id, out var batch)) return;
        _leaving.Add(id, []);
        // Not Stop or a PoisonPill: what was routed before this is answered first, a deletion under way too.
        batch.Tell(BatchesProtocol.Leave.Instance);
    }

    private void OnTerminated(BatchId id)
    {
        _live.Remove(id);
        if (!_leaving.Remove(id, out var waiting)) return;
        foreach (var (command, sender) in waiting) Route(command, sender);
    }

    private sealed record Waiting(IBatchCommand Command, IActorRef Sender);
}
