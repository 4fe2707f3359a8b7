namespace ImageClassifier.Node.Termination;

/// <summary>
/// Whether an instance has nothing to do and should end. It counts the empty polls in a row. After enough of them, with
/// nothing in hand and the least lifetime over, the queue is to be measured; the instance ends only when nothing waits
/// there. An empty poll alone says little: what waits may be behind a message of its group that someone else has.
/// </summary>
/// <remarks>Counts may lag. One that still shows what is gone costs some more polls; one that does not show yet what
/// has come ends an instance for which another is launched, and loses nothing: the message stays in its
/// queue.</remarks>
/// <param name="settings">How many empty polls, and the least lifetime.</param>
/// <param name="startedAt">When the instance's program started, by the clock that gives the other times.</param>
internal sealed class IdleRule(TerminationSettings settings, DateTimeOffset startedAt)
{
    private int _inHand;

    /// <summary>The empty polls in a row, as far as they count.</summary>
    public int EmptyPolls { get; private set; }

    /// <summary>Counts a poll that ended.</summary>
    /// <param name="received">How many messages it brought.</param>
    /// <param name="inHand">How many messages are in hand now.</param>
    /// <param name="failed">Whether it failed, and so says nothing of the queue.</param>
    /// <param name="now">When it ended.</param>
    /// <returns>Whether the queue should be measured now.</returns>
    public bool Polled(int received, int inHand, bool failed, DateTimeOffset now)
    {
        _inHand = inHand;
        if (failed) return false;
        EmptyPolls = received == 0 ? EmptyPolls + 1 : 0;
        return IsIdle(now);
    }

    /// <summary>Takes what the measurement said. Where something waits it counts from zero.</summary>
    /// <param name="waiting">Visible messages, whether or not their groups are blocked.</param>
    /// <param name="now">When it was said.</param>
    /// <returns>Whether the instance should end. A poll that ended since may have brought something: then it
    /// stays.</returns>
    public bool Measured(int waiting, DateTimeOffset now)
    {
        if (waiting == 0) return IsIdle(now);
        EmptyPolls = 0;
        return false;
    }

    /// <summary>The queue could not be measured: it counts from zero.</summary>
    public void NotMeasured() => EmptyPolls = 0;

    private bool IsIdle(DateTimeOffset now) =>
        EmptyPolls >= settings.MaxEmptyPolls && _inHand == 0 && now - startedAt >= settings.MinLifetime;
}
