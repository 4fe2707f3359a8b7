using System.Runtime.InteropServices;

namespace ImageClassifier.Simulator.Engine;

/// <summary>What happens next, and what time it is. What is due at the same time happens in the order in which it was
/// scheduled, so that a run is the same every time.</summary>
internal sealed class EventQueue(long now)
{
    private readonly PriorityQueue<Event, Due> _events = new();
    private long _sequence;

    /// <summary>The time, in ticks since the load's first second.</summary>
    public long Now { get; private set; } = now;

    /// <summary>When the next event is due; the end of time where there is none.</summary>
    public long NextAt => _events.TryPeek(out _, out var due) ? due.At : long.MaxValue;

    /// <summary>Lets an event happen later.</summary>
    /// <param name="at">When, not before now.</param>
    /// <param name="kind">What.</param>
    /// <param name="node">To which node; -1 to none.</param>
    /// <param name="stamp">Tells the event from another of its kind that it replaces.</param>
    public void Schedule(long at, EventKind kind, int node = -1, int stamp = 0) =>
        _events.Enqueue(new Event(kind, node, stamp), new Due(at, _sequence++));

    /// <summary>Takes the next event, and goes to its time.</summary>
    public Event Take()
    {
        _events.TryDequeue(out var next, out var due);
        Now = due.At;
        return next;
    }

    /// <summary>Goes to the time of something that is in no event.</summary>
    public void GoTo(long at) => Now = at;

    private readonly record struct Due(long At, long Sequence) : IComparable<Due>
    {
        public int CompareTo(Due other) =>
            At != other.At ? At.CompareTo(other.At) : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>Something that happens.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">To which node; -1 to none.</param>
/// <param name="Stamp">Tells whether it still counts.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Event(EventKind Kind, int Node, int Stamp);

/// <summary>What can happen.</summary>
internal enum EventKind : byte
{
    /// <summary>The scaler's timer is due.</summary>
    ScalerDue,

    /// <summary>The scaler has its measurements.</summary>
    ScalerSaw,

    /// <summary>The fleet answers a launch.</summary>
    LaunchAnswered,

    /// <summary>A node has booted.</summary>
    Booted,

    /// <summary>A long poll ends with nothing.</summary>
    PollOver,

    /// <summary>A picture is classified.</summary>
    PictureDone,

    /// <summary>Results have waited long enough for others to share their call.</summary>
    ResultsDue,

    /// <summary>Deletes have waited long enough for others to share their call.</summary>
    DeletesDue,

    /// <summary>Results reach the web tier.</summary>
    ResultsArrived,

    /// <summary>A node dies.</summary>
    Crashed,

    /// <summary>The leases of a dead node have run out.</summary>
    LeasesOver,
}
