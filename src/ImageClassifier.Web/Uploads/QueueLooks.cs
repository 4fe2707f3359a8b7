using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Uploads;

/// <summary>Since when the request queue is known to have been empty. A queue's counts lag and waver, so it takes several
/// looks in a row, and one that shows work, or fails, begins anew.</summary>
internal sealed class QueueLooks
{
    private const int Needed = 3;

    private readonly Queue<DateTimeOffset> _empty = [];

    /// <summary>Takes down a look.</summary>
    /// <param name="measure">What was seen; null where the queue did not answer.</param>
    /// <param name="at">When.</param>
    public void Add(QueueMeasure? measure, DateTimeOffset at)
    {
        if (measure is not { Backlog: 0 })
        {
            _empty.Clear();
            return;
        }

        _empty.Enqueue(at);
        if (_empty.Count > Needed) _empty.Dequeue();
    }

    /// <summary>The first of the last looks, if all of them found the queue empty: what was sent before it is on the queue
    /// no more.</summary>
    public DateTimeOffset? EmptySince => _empty.Count == Needed ? _empty.Peek() : null;
}
