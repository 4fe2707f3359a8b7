using ImageClassifier.Node.Records;

namespace ImageClassifier.Node.Termination;

/// <summary>
/// Decides whether the fleet has more nodes than its work needs, and this node is one of those that should end. The
/// queue deals its messages to all nodes in turn, so under a steady load no node is ever idle.
/// </summary>
/// <remarks>
/// <para>The rule looks at windows of time. The load of a node is the share of its full speed that it used in a window.
/// If <c>n</c> nodes have a load of <c>u</c> each, <c>n·u</c> divided by <see cref="FullLoad"/> and rounded up are
/// enough. All nodes have about the same load, and see each other in the same order. So each knows its place, and those
/// past the needed number end. The first node never ends by this rule.</para>
/// <para>A node that was never under full load does not know its full speed. Then its load is the share of time in
/// which a message was in hand. That is too much rather than too little, because messages wait for others to share
/// calls.</para>
/// <para>The node stays if the rule cannot be sure: the number of nodes changed within the window, messages wait, or a
/// poll failed.</para>
/// </remarks>
/// <param name="settings">The minimum lifetime, and the number of empty polls.</param>
/// <param name="wait">How long an empty poll waits.</param>
/// <param name="startedAt">The start of the instance's program, on the same clock as all other times. That clock cannot be
/// set.</param>
internal sealed class SurplusRule(TerminationSettings settings, TimeSpan wait, DateTimeOffset startedAt)
{
    // At a higher load pictures queue behind each other. At a lower one, more nodes stay than are needed.
    private const double FullLoad = 0.9;

    // Some hundred pictures: chance moves the load by a few percent. Longer than any burst that one boot follows.
    private static readonly TimeSpan ShortestWindow = TimeSpan.FromMinutes(5);

    // An operator who keeps idle nodes for longer also wants to keep surplus ones for longer.
    private readonly TimeSpan _window = settings.MaxEmptyPolls * wait is var idle && idle > ShortestWindow
        ? idle
        : ShortestWindow;

    private readonly DateTimeOffset _mayEndAt = startedAt + settings.MinLifetime;

    private DateTimeOffset _began = startedAt;
    private NodeWork _before;
    private int? _nodesBefore;
    private double _load;

    /// <summary>Records a poll.</summary>
    /// <param name="failed">True if it failed. Then the node could not work, and the window says nothing.</param>
    /// <param name="work">What the node has done by then.</param>
    /// <param name="now">The time at which it ended.</param>
    /// <returns>True if a window is over, and the nodes should be counted now.</returns>
    public bool RecordPoll(bool failed, NodeWork work, DateTimeOffset now)
    {
        var length = now - _began;
        // A window that ends much too late contains a pause of the process.
        var isBroken = failed || length > 2 * _window;
        if (length < _window && !isBroken) return false;

        var before = _before;
        (_began, _before) = (now, work);
        if (isBroken)
        {
            _nodesBefore = null;
            return false;
        }

        _load = work.FullSpeed is > 0 and var speed
            ? (work.PicturesDone - before.PicturesDone) / (speed * length.TotalSeconds)
            : (work.InHandTime - before.InHandTime) / length;
        return true;
    }

    /// <summary>Records the count of nodes at the end of a window.</summary>
    /// <param name="place">The number of live nodes that precede this one.</param>
    /// <param name="nodes">The number of live nodes, including this one.</param>
    /// <param name="waiting">The number of visible messages.</param>
    /// <param name="now">The time of the count.</param>
    /// <returns>The number of nodes that are enough, if this node should end; null if it should stay.</returns>
    public int? RecordNodes(int place, int nodes, int waiting, DateTimeOffset now)
    {
        var isSteady = nodes == _nodesBefore;
        _nodesBefore = nodes;
        var needed = Math.Max(1, (int)Math.Ceiling(nodes * _load / FullLoad));
        return isSteady && waiting == 0 && now >= _mayEndAt && place >= needed ? needed : null;
    }
}
