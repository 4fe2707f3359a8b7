using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The live batches: starts one when it is asked for, routes commands to it, and lets it go again. Commands that
/// come while a batch leaves wait for its next life. When there are nearly as many as there may be, each new one makes the
/// one that was longest not asked for leave, unless someone waits for it.</summary>
public sealed class BatchesActor : ReceiveActor
{
    private readonly IObjectStore _store;
    private readonly ResultSettings _settings;
    private readonly Dictionary<BatchId, Live> _live = [];

    /// <summary>The live batches, the one that was longest not asked for first.</summary>
    private readonly LinkedList<BatchId> _byUse = [];
    private readonly Dictionary<BatchId, Queue<Waiting>> _leaving = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>Creates the actor.</summary>
    public BatchesActor(IObjectStore store, ResultSettings settings)
    {
        _store = store;
        _settings = settings;

        Receive<IBatchCommand>(command => Route(command, Sender));
        Receive<CatchUp>(catchUp =>
        {
            if (_live.TryGetValue(catchUp.Batch, out var batch)) batch.Actor.Tell(catchUp);
        });
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
            if (_live.Count >= _settings.MaxLiveBatches - (_settings.MaxLiveBatches / 10)) MakeRoom();
            if (_live.Count >= _settings.MaxLiveBatches)
            {
                _log.Warning("{Count} batches are live, which is the limit", _live.Count);
                sender.Tell(new BatchUnavailable(command.Batch));
                return;
            }

            batch = new Live(
                Context.Watch(Context.ActorOf(
                    Props.Create(() => new BatchActor(command.Batch, _store, _settings)), command.Batch.Value)),
                _byUse.AddLast(command.Batch));
            _live.Add(command.Batch, batch);
        }

        MarkUsed(batch);
        batch.Actor.Tell(command, sender);
    }

    private void MakeRoom()
    {
        if (_byUse.First is not { } longestUnused) return;
        var batch = _live[longestUnused.Value];
        // One that stays is not asked again before all others.
        MarkUsed(batch);
        batch.Actor.Tell(BatchesProtocol.MakeRoom.Instance);
    }

    private void MarkUsed(Live batch)
    {
        _byUse.Remove(batch.Use);
        _byUse.AddLast(batch.Use);
    }

    private bool Forget(BatchId id, [NotNullWhen(true)] out Live? batch)
    {
        if (!_live.Remove(id, out batch)) return false;
        _byUse.Remove(batch.Use);
        return true;
    }

    private void OnPassivate(BatchId id)
    {
        if (!Forget(id, out var batch)) return;
        _leaving.Add(id, []);
        // Not Stop or a PoisonPill: what was routed before this is answered first, a deletion under way too.
        batch.Actor.Tell(BatchesProtocol.Leave.Instance);
    }

    private void OnTerminated(BatchId id)
    {
        Forget(id, out _);
        if (!_leaving.Remove(id, out var waiting)) return;
        foreach (var (command, sender) in waiting) Route(command, sender);
    }

    private sealed record Live(IActorRef Actor, LinkedListNode<BatchId> Use);

    private sealed record Waiting(IBatchCommand Command, IActorRef Sender);
}
