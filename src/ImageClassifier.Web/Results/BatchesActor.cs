using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The parent of the live batches of a web tier that is one process. It starts a batch on demand, routes
/// commands to it, and passivates it. Commands for a batch that is being passivated wait until it can start
/// again.</summary>
/// <remarks>In a cluster, a shard region takes its place.</remarks>
public sealed class BatchesActor : ReceiveActor
{
    private readonly Func<BatchId, Props> _batch;
    private readonly Dictionary<BatchId, IActorRef> _live = [];

    /// <summary>For each batch that leaves memory, the commands that wait for its next start.</summary>
    private readonly Dictionary<BatchId, Queue<StashedCommand>> _leaving = [];

    /// <summary>Creates the actor.</summary>
    /// <param name="store">The store.</param>
    /// <param name="liveJobs">The <see cref="LiveJobsActor"/>.</param>
    /// <param name="callbacks">The <c>CallbackActor</c>.</param>
    /// <param name="repeats">The <c>RepeatsActor</c>.</param>
    /// <param name="settings">How results reach clients.</param>
    public BatchesActor(
        IObjectStore store, IActorRef liveJobs, IActorRef callbacks, IActorRef repeats, ResultSettings settings)
    {
        _batch = batch => Props.Create(() =>
            new BatchActor(batch, store, liveJobs, callbacks, repeats, new BatchesProtocol.Passivate(batch), settings));

        Receive<IBatchCommand>(command => Route(command, Sender));
        Receive<BatchesProtocol.Passivate>(passivate => OnPassivate(passivate.Batch));
        Receive<Terminated>(terminated => OnTerminated(BatchId.Parse(terminated.ActorRef.Path.Name)));
    }

    /// <summary>Stops a batch that fails. It loses nothing, because the store has everything, and starts again on
    /// demand.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Route(IBatchCommand command, IActorRef sender)
    {
        if (_leaving.TryGetValue(command.Batch, out var stashed))
        {
            stashed.Enqueue(new StashedCommand(command, sender));
            return;
        }

        if (!_live.TryGetValue(command.Batch, out var batch))
        {
            batch = Context.Watch(Context.ActorOf(_batch(command.Batch), command.Batch.Value));
            _live.Add(command.Batch, batch);
        }

        batch.Tell(command, sender);
    }

    private void OnPassivate(BatchId id)
    {
        if (!_live.Remove(id, out var batch)) return;
        _leaving.Add(id, []);
        // Unlike Stop or a PoisonPill, Leave lets the batch first answer earlier commands and finish a deletion.
        batch.Tell(BatchesProtocol.Leave.Instance);
    }

    private void OnTerminated(BatchId id)
    {
        _live.Remove(id);
        if (!_leaving.Remove(id, out var stashed)) return;
        foreach (var (command, sender) in stashed) Route(command, sender);
    }

    private sealed record StashedCommand(IBatchCommand Command, IActorRef Sender);
}
