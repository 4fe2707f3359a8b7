using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Uploads;

/// <summary>Detects since when the request queue is empty. A queue's counts lag and fluctuate, so several empty
/// measurements in a row are needed. A measurement that shows work, or fails, starts over.</summary>
internal sealed class EmptyQueueDetector
{
    private const int NeededInARow = 3;

    private readonly Queue<DateTimeOffset> _emptyAt = [];

    /// <summary>Adds a measurement.</summary>
    /// <param name="measure">The counts; null if the queue did not answer.</param>
    /// <param name="at">When it was taken.</param>
    public void Add(QueueMeasure? measure, DateTimeOffset at)
    {
        if (measure is not { Backlog: 0 })
        {
            _emptyAt.Clear();
            return;
        }

        _emptyAt.Enqueue(at);
        if (_emptyAt.Count > NeededInARow) _emptyAt.Dequeue();
    }

    /// <summary>When the queue became empty: the first of the last measurements, if all of them were empty. Messages
    /// sent earlier are no longer on the queue.</summary>
    public DateTimeOffset? EmptySince => _emptyAt.Count == NeededInARow ? _emptyAt.Peek() : null;
}
