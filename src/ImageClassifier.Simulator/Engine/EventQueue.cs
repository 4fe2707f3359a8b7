using System.Runtime.InteropServices;

namespace ImageClassifier.Simulator.Engine;

/// <summary>The future events and the current time. Events that are due at the same time occur in the order in which
/// they were scheduled, so that a run is reproducible.</summary>
internal sealed class EventQueue(long now)
{
    private readonly PriorityQueue<Event, Due> _events = new();
    private long _sequence;

    /// <summary>The time, in ticks since the start of the load.</summary>
    public long Now { get; private set; } = now;

    /// <summary>The time of the next event; the largest value if there is none.</summary>
    public long NextAt => _events.TryPeek(out _, out var due) ? due.At : long.MaxValue;

    /// <summary>Schedules an event.</summary>
    /// <param name="at">The time of the event, not before now.</param>
    /// <param name="kind">The kind of event.</param>
    /// <param name="node">The node of the event; -1 for none.</param>
    /// <param name="stamp">Distinguishes the event from an earlier one that it replaces.</param>
    public void Schedule(long at, EventKind kind, int node = -1, int stamp = 0) =>
        _events.Enqueue(new Event(kind, node, stamp), new Due(at, _sequence++));

    /// <summary>Takes the next event and advances to its time.</summary>
    public Event Take()
    {
        _events.TryDequeue(out var next, out var due);
        Now = due.At;
        return next;
    }

    /// <summary>Advances to the time of something that is not an event in this queue.</summary>
    public void AdvanceTo(long at) => Now = at;

    private readonly record struct Due(long At, long Sequence) : IComparable<Due>
    {
        public int CompareTo(Due other) =>
            At != other.At ? At.CompareTo(other.At) : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>An event.</summary>
/// <param name="Kind">The kind of event.</param>
/// <param name="Node">The node of the event; -1 for none.</param>
/// <param name="Stamp">Tells whether the event still counts.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Event(EventKind Kind, int Node, int Stamp);

/// <summary>The kinds of events.</summary>
internal enum EventKind : byte
{
    /// <summary>The scaler's timer is due.</summary>
    ScalerDue,

    /// <summary>The scaler has its measurements.</summary>
    ScalerObserved,

    /// <summary>The fleet answers a launch.</summary>
    LaunchAnswered,

    /// <summary>A node has booted.</summary>
    Booted,

    /// <summary>A long poll ends without messages.</summary>
    PollOver,

    /// <summary>A picture is classified.</summary>
    PictureDone,

    /// <summary>The linger of results is over: they are sent.</summary>
    ResultsDue,

    /// <summary>The linger of deletes is over: they are sent.</summary>
    DeletesDue,

    /// <summary>Results reach the web tier.</summary>
    ResultsArrived,

    /// <summary>A node dies.</summary>
    Crashed,

    /// <summary>The leases of a dead node have ended.</summary>
    LeasesOver,
}
