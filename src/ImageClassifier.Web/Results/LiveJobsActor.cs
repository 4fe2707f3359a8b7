using Akka.Actor;
using Akka.Event;
using static ImageClassifier.Web.Results.LiveJobsProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>Bounds the memory of the live batches of this process, counted in jobs. Near the limit the least recently
/// used batches without a waiting reader leave. At the limit a further batch gets no room.</summary>
public sealed class LiveJobsActor : ReceiveActor
{
    // Each batch costs an actor of about 10 KiB, however few jobs it has.
    private const int MaxBatches = 20_000;

    private readonly int _limit;
    private readonly Dictionary<IActorRef, Room> _rooms = [];

    /// <summary>The batches that do not leave already, least recently used first.</summary>
    private readonly LinkedList<IActorRef> _leastRecentlyUsed = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>The jobs of all batches, those that leave included.</summary>
    private long _jobs;
    private long _leavingJobs;

    /// <summary>Creates the actor.</summary>
    /// <param name="limit">The most jobs of live batches.</param>
    public LiveJobsActor(int limit)
    {
        _limit = limit;

        Receive<RequestRoom>(OnRequestRoom);
        Receive<Grown>(grown =>
        {
            if (!_rooms.TryGetValue(Sender, out var room)) return;
            Resize(room, grown.Size);
            MakeRoomFor(0);
        });
        Receive<Used>(_ =>
        {
            if (_rooms.TryGetValue(Sender, out var room)) MarkUsed(room);
        });
        Receive<Leaving>(_ =>
        {
            if (_rooms.TryGetValue(Sender, out var room)) OnLeaving(room);
        });
        Receive<CatchUp>(catchUp =>
        {
            foreach (var batch in _rooms.Keys) batch.Tell(catchUp);
        });
        Receive<Terminated>(terminated => OnTerminated(terminated.ActorRef));
    }

    /// <summary>Above this, unused batches leave, so that new batches seldom meet the limit.</summary>
    private int SoftLimit => _limit - (_limit / 10);

    private void OnRequestRoom(RequestRoom request)
    {
        var room = _rooms.GetValueOrDefault(Sender);
        var more = request.Size - (room?.Size ?? 0);
        MakeRoomFor(more);
        var count = _rooms.Count + (room is null ? 1 : 0);
        // A batch beyond the limit is allowed in alone: otherwise it could never be read.
        if ((_jobs + more > _limit && count > 1) || count > MaxBatches)
        {
            _log.Warning(
                "A batch is not read now: {Jobs} jobs of {Batches} batches are live, and the limits are "
                + "results.max-live-jobs = {Limit} and {MaxBatches} batches",
                _jobs, _rooms.Count, _limit, MaxBatches);
            Sender.Tell(RoomRefused.Instance);
            return;
        }

        if (room is null)
        {
            Context.Watch(Sender);
            room = new Room(_leastRecentlyUsed.AddLast(Sender));
            _rooms.Add(Sender, room);
        }

        Resize(room, request.Size);
        MarkUsed(room);
        Sender.Tell(RoomGranted.Instance);
    }

    private void Resize(Room room, int size)
    {
        _jobs += size - room.Size;
        if (room.IsLeaving) _leavingJobs += size - room.Size;
        room.Size = size;
    }

    /// <summary>Asks batches to leave, least recently used first, until enough room would be free.</summary>
    private void MakeRoomFor(int more)
    {
        var wanted = _jobs - _leavingJobs + more - SoftLimit;
        if (_leastRecentlyUsed.Count > MaxBatches - (MaxBatches / 10)) wanted = Math.Max(wanted, 1);
        for (var left = _leastRecentlyUsed.Count; wanted > 0 && left > 0; left--)
        {
            var oldest = _leastRecentlyUsed.First!.Value;
            var room = _rooms[oldest];
            wanted -= room.Size;
            // A batch that refuses to leave goes to the end of the queue.
            MarkUsed(room);
            oldest.Tell(MakeRoom.Instance);
        }
    }

    private void MarkUsed(Room room)
    {
        if (room.IsLeaving) return;
        _leastRecentlyUsed.Remove(room.Use);
        _leastRecentlyUsed.AddLast(room.Use);
    }

    private void OnLeaving(Room room)
    {
        if (room.IsLeaving) return;
        room.IsLeaving = true;
        _leavingJobs += room.Size;
        _leastRecentlyUsed.Remove(room.Use);
    }

    private void OnTerminated(IActorRef batch)
    {
        if (!_rooms.Remove(batch, out var room)) return;
        _jobs -= room.Size;
        if (room.IsLeaving) _leavingJobs -= room.Size;
        else _leastRecentlyUsed.Remove(room.Use);
    }

    private sealed class Room(LinkedListNode<IActorRef> use)
    {
        public LinkedListNode<IActorRef> Use { get; } = use;

        /// <summary>The cost of the batch, in jobs.</summary>
        public int Size { get; set; }

        public bool IsLeaving { get; set; }
    }
}
