using ImageClassifier.Streams;

namespace ImageClassifier.Node.Records;

/// <summary>Counts what a node has done since its start, over all its streams. Safe from any thread.</summary>
internal sealed class NodeProgress(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SaturatedRate _rate = new();
    private long _picturesDone;

    /// <summary>The number of jobs settled with a result, and the jobs a second under full load. The rate is null until
    /// the node has once been under full load.</summary>
    public (long PicturesDone, double? PicturesPerSecond) Read()
    {
        lock (_lock) return (_picturesDone, _rate.PerSecond);
    }

    /// <summary>Records a poll.</summary>
    public void RecordPoll(PollReport poll)
    {
        lock (_lock) _rate.RecordPoll(poll.Received, poll.InHand, poll.At);
    }

    /// <summary>Records a message that left the hand.</summary>
    public void RecordAcknowledged(Acknowledged message)
    {
        var jobs = message is { Settlement: Settlement.Delete, Outcome.Succeeded: true } ? 1 : 0;
        lock (_lock)
        {
            _picturesDone += jobs;
            _rate.RecordReleased(jobs, released: 1, time.GetUtcNow());
        }
    }
}
