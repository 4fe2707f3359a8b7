using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The live batches: starts one when it is asked for, routes commands to it, and lets it go again. Commands that
/// come while a batch leaves wait for its next life.</summary>
/// <remarks>Memory is bounded by the jobs of the live batches. Near the limit, those that were longest not asked for leave,
/// unless someone waits for them; at the limit, who asks for another is told to come back.</remarks>
public sealed class BatchesActor : ReceiveActor
{
    // Of a batch whose manifest is not read yet. Batches that there are not cost something, too.
    private const int SmallestSize = 1;

    // However few jobs it has, a batch has an actor of its own, which costs some 10 KiB.
    private const int MostBatches = 20_000;

    private readonly IObjectStore _store;
    private readonly ResultSettings _settings;
    private readonly Dictionary<BatchId, Live> _live = [];

    /// <summary>The live batches, the one that was longest not asked for first.</summary>
    private readonly LinkedList<BatchId> _byUse = [];
    private readonly Dictionary<BatchId, Leaving> _leaving = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>Jobs of the live batches, and of those that leave.</summary>
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
        Receive<BatchesProtocol.WantRoom>(OnWantRoom);
        Receive<BatchesProtocol.Grown>(OnGrown);
        Receive<BatchesProtocol.Passivate>(passivate => OnPassivate(passivate.Batch));
        Receive<Terminated>(terminated => OnTerminated(BatchId.Parse(terminated.ActorRef.Path.Name)));
    }

    /// <summary>Above this, batches that no one waits for make room, so that new ones seldom meet the limit.</summary>
    private int Comfortable => _settings.MaxLiveJobs - (_settings.MaxLiveJobs / 10);

    /// <summary>A batch that fails has lost nothing, since the store is the truth: it is let go, and starts anew when it is
    /// asked for.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Route(IBatchCommand command, IActorRef sender)
    {
        if (_leaving.TryGetValue(command.Batch, out var leaving))
        {
            leaving.Waiting.Enqueue(new Waiting(command, sender));
            return;
        }

        if (!_live.TryGetValue(command.Batch, out var batch))
        {
            MakeRoom(SmallestSize);
            if (!HasRoom(SmallestSize) || _live.Count + _leaving.Count >= MostBatches)
            {
                LogFull();
                sender.Tell(new BatchUnavailable(command.Batch));
                return;
            }

            batch = new Live(
                Context.Watch(Context.ActorOf(
                    Props.Create(() => new BatchActor(command.Batch, _store, _settings)), command.Batch.Value)),
                _byUse.AddLast(command.Batch));
            _live.Add(command.Batch, batch);
            _jobs += batch.Size;
        }

        MarkUsed(batch);
        batch.Actor.Tell(command, sender);
    }

    private void OnWantRoom(BatchesProtocol.WantRoom want)
    {
        if (!_live.TryGetValue(want.Batch, out var batch)) return;
        var more = want.Size - batch.Size;
        MakeRoom(more);
        // A batch that is larger than the limit is let in alone, or no one could ever read it.
        if (HasRoom(more) || _live.Count + _leaving.Count == 1)
        {
            Resize(batch, want.Size);
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
        + "results.max-live-jobs = {Limit} and {MostBatches} batches",
        _jobs, _live.Count, _settings.MaxLiveJobs, MostBatches);

    private void Resize(Live batch, int size)
    {
        _jobs += size - batch.Size;
        batch.Size = size;
    }

    /// <summary>Asks batches to leave, those that were longest not asked for first, until enough of them could.</summary>
    private void MakeRoom(int more)
    {
        var wanted = _jobs + more - Comfortable - _leaving.Values.Sum(leaving => (long)leaving.Size);
        if (_live.Count > MostBatches - (MostBatches / 10)) wanted = Math.Max(wanted, 1);
        for (var left = _live.Count; wanted > 0 && left > 0 && _byUse.First is { } longestUnused; left--)
        {
            var batch = _live[longestUnused.Value];
            wanted -= batch.Size;
            // A batch that stays is not asked again before all others.
            MarkUsed(batch);
            batch.Actor.Tell(BatchesProtocol.MakeRoom.Instance);
        }
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
        _leaving.Add(id, new Leaving(batch.Size));
        // Not Stop or a PoisonPill: what was routed before this is answered first, a deletion under way too.
        batch.Actor.Tell(BatchesProtocol.Leave.Instance);
    }

    private void OnTerminated(BatchId id)
    {
        if (Forget(id, out var batch)) _jobs -= batch.Size;
        if (!_leaving.Remove(id, out var leaving)) return;
        _jobs -= leaving.Size;
        foreach (var (command, sender) in leaving.Waiting) Route(command, sender);
    }

    private sealed class Live(IActorRef actor, LinkedListNode<BatchId> use)
    {
        public IActorRef Actor { get; } = actor;

        public LinkedListNode<BatchId> Use { get; } = use;

        /// <summary>What the batch costs, in jobs.</summary>
        public int Size { get; set; } = SmallestSize;
    }

    private sealed record Leaving(int Size)
    {
        public Queue<Waiting> Waiting { get; } = [];
    }

    private sealed record Waiting(IBatchCommand Command, IActorRef Sender);
}
