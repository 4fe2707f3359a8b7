namespace ImageClassifier.Node.Termination;

/// <summary>
/// Decides whether an instance is idle and should end. The rule counts empty polls in a row. After enough of them, with
/// nothing in hand and the minimum lifetime over, the queue is measured. The instance ends only if no message is
/// visible there. An empty poll alone proves little: a message may wait behind another of its group that another node
/// has.
/// </summary>
/// <remarks>The queue's counts may lag. A count that still shows deleted messages costs some more polls. A count that
/// does not yet show new messages ends an instance too early: another is launched, and the message stays in its
/// queue.</remarks>
/// <param name="settings">The number of empty polls, and the minimum lifetime.</param>
/// <param name="startedAt">The start of the instance's program, on the same clock as all other times.</param>
internal sealed class IdleRule(TerminationSettings settings, DateTimeOffset startedAt)
{
    private int _inHand;

    /// <summary>The number of empty polls in a row since the last reset.</summary>
    public int EmptyPolls { get; private set; }

    /// <summary>Records a poll.</summary>
    /// <param name="received">The number of messages that it received.</param>
    /// <param name="inHand">The number of messages in hand now.</param>
    /// <param name="failed">True if it failed. Then it says nothing about the queue.</param>
    /// <param name="now">The time at which it ended.</param>
    /// <returns>True if the queue should be measured now.</returns>
    public bool RecordPoll(int received, int inHand, bool failed, DateTimeOffset now)
    {
        _inHand = inHand;
        if (failed) return false;
        EmptyPolls = received == 0 ? EmptyPolls + 1 : 0;
        return IsIdle(now);
    }

    /// <summary>Records a measure of the queue. If messages are visible, the count restarts from zero.</summary>
    /// <param name="waiting">The number of visible messages, whether or not their groups are blocked.</param>
    /// <param name="now">The time of the measure.</param>
    /// <returns>True if the instance should end. False if a poll since then has received something.</returns>
    public bool RecordMeasure(int waiting, DateTimeOffset now)
    {
        if (waiting == 0) return IsIdle(now);
        EmptyPolls = 0;
        return false;
    }

    /// <summary>Records that the queue could not be measured. The count restarts from zero.</summary>
    public void RecordMeasureFailure() => EmptyPolls = 0;

    private bool IsIdle(DateTimeOffset now) =>
        EmptyPolls >= settings.MaxEmptyPolls && _inHand == 0 && now - startedAt >= settings.MinLifetime;
}
