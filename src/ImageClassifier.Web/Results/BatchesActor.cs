using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The parent of the live batches. It starts a batch on demand, routes commands to it, and passivates it.
/// Commands for a batch that is being passivated wait until it can start again.</summary>
/// <remarks>The jobs of the live batches bound the memory. Near the limit the least recently used batches without a
/// waiting reader leave. At the limit, a command for a further batch is answered unavailable.</remarks>
public sealed class BatchesActor : ReceiveActor
{
    // The size before the manifest is read. A batch that does not exist costs something as well.
    private const int MinSize = 1;

    // Each batch costs an actor of about 10 KiB, however few jobs it has.
    private const int MaxBatches = 20_000;

    private readonly IObjectStore _store;
    private readonly ResultSettings _settings;
    private readonly Dictionary<BatchId, Live> _live = [];

    /// <summary>The live batches, least recently used first.</summary>
    private readonly LinkedList<BatchId> _leastRecentlyUsed = [];
    private readonly Dictionary<BatchId, Leaving> _leaving = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>The jobs of all batches that are live or leaving.</summary>
    private long _jobs;

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
        Receive<BatchesProtocol.RequestRoom>(OnRequestRoom);
        Receive<BatchesProtocol.Grown>(OnGrown);
        Receive<BatchesProtocol.Passivate>(passivate => OnPassivate(passivate.Batch));
        Receive<Terminated>(terminated => OnTerminated(BatchId.Parse(terminated.ActorRef.Path.Name)));
    }

    /// <summary>Above this, unused batches leave, so that new batches seldom meet the limit.</summary>
    private int SoftLimit => _settings.MaxLiveJobs - (_settings.MaxLiveJobs / 10);

    /// <summary>Stops a batch that fails. It loses nothing, because the store has everything, and starts again on
    /// demand.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Route(IBatchCommand command, IActorRef sender)
    {
        if (_leaving.TryGetValue(command.Batch, out var leaving))
        {
            leaving.Stashed.Enqueue(new StashedCommand(command, sender));
            return;
        }

        if (!_live.TryGetValue(command.Batch, out var batch))
        {
            MakeRoom(MinSize);
            if (!HasRoom(MinSize) || _live.Count + _leaving.Count >= MaxBatches)
            {
                LogFull();
                sender.Tell(new BatchUnavailable(command.Batch));
                return;
            }

            batch = new Live(
                Context.Watch(Context.ActorOf(
                    Props.Create(() => new BatchActor(command.Batch, _store, _settings)), command.Batch.Value)),
                _leastRecentlyUsed.AddLast(command.Batch));
            _live.Add(command.Batch, batch);
            _jobs += batch.Size;
        }

        MarkUsed(batch);
        batch.Actor.Tell(command, sender);
    }

    private void OnRequestRoom(BatchesProtocol.RequestRoom request)
    {
        if (!_live.TryGetValue(request.Batch, out var batch)) return;
        var more = request.Size - batch.Size;
        MakeRoom(more);
        // A batch beyond the limit is allowed in alone: otherwise it could never be read.
        if (HasRoom(more) || _live.Count + _leaving.Count == 1)
        {
            Resize(batch, request.Size);
            batch.Actor.Tell(BatchesProtocol.RoomGranted.Instance);
            return;
        }

        LogFull();
        batch.Actor.Tell(BatchesProtocol.RoomRefused.Instance);
    }

    private void OnGrown(BatchesProtocol.Grown grown)
    {
        if (!_live.TryGetValue(grown.Batch, out var batch)) return;
        Resize(batch, grown.Size);
        MakeRoom(0);
    }

    private bool HasRoom(int more) => _jobs + more <= _settings.MaxLiveJobs;

    private void LogFull() => _log.Warning(
        "A batch is not read now: {Jobs} jobs of {Batches} batches are live, and the limits are "
        + "results.max-live-jobs = {Limit} and {MaxBatches} batches",
        _jobs, _live.Count, _settings.MaxLiveJobs, MaxBatches);

    private void Resize(Live batch, int size)
    {
        _jobs += size - batch.Size;
        batch.Size = size;
    }

    /// <summary>Asks batches to leave, least recently used first, until enough room would be free.</summary>
    private void MakeRoom(int more)
    {
        var wanted = _jobs + more - SoftLimit - _leaving.Values.Sum(leaving => (long)leaving.Size);
        if (_live.Count > MaxBatches - (MaxBatches / 10)) wanted = Math.Max(wanted, 1);
        for (var left = _live.Count; wanted > 0 && left > 0 && _leastRecentlyUsed.First is { } oldest; left--)
        {
            var batch = _live[oldest.Value];
            wanted -= batch.Size;
            // A batch that refuses to leave goes to the end of the queue.
            MarkUsed(batch);
            batch.Actor.Tell(BatchesProtocol.MakeRoom.Instance);
        }
    }

    private void MarkUsed(Live batch)
    {
        _leastRecentlyUsed.Remove(batch.Use);
        _leastRecentlyUsed.AddLast(batch.Use);
    }

    private bool RemoveLive(BatchId id, [NotNullWhen(true)] out Live? batch)
    {
        if (!_live.Remove(id, out batch)) return false;
        _leastRecentlyUsed.Remove(batch.Use);
        return true;
    }

    private void OnPassivate(BatchId id)
    {
        if (!RemoveLive(id, out var batch)) return;
        _leaving.Add(id, new Leaving(batch.Size));
        // Unlike Stop or a PoisonPill, Leave lets the batch first answer earlier commands and finish a deletion.
        batch.Actor.Tell(BatchesProtocol.Leave.Instance);
    }

    private void OnTerminated(BatchId id)
    {
        if (RemoveLive(id, out var batch)) _jobs -= batch.Size;
        if (!_leaving.Remove(id, out var leaving)) return;
        _jobs -= leaving.Size;
        foreach (var (command, sender) in leaving.Stashed) Route(command, sender);
    }

    private sealed class Live(IActorRef actor, LinkedListNode<BatchId> use)
    {
        public IActorRef Actor { get; } = actor;

        public LinkedListNode<BatchId> Use { get; } = use;

        /// <summary>The cost of the batch, in jobs.</summary>
        public int Size { get; set; } = MinSize;
    }

    private sealed record Leaving(int Size)
    {
        public Queue<StashedCommand> Stashed { get; } = [];
    }

    private sealed record StashedCommand(IBatchCommand Command, IActorRef Sender);
}
