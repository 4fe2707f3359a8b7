using ImageClassifier.Streams;

namespace ImageClassifier.Node.Records;

/// <summary>What a node has done since its start, over all its streams: they add to it, whoever wants to know reads it.
/// Safe from any thread.</summary>
internal sealed class NodeProgress(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SaturatedRate _rate = new();
    private long _picturesDone;

    /// <summary>Jobs settled with a result, and how many a second they are while there is enough to do; null until
    /// there once was.</summary>
    public (long PicturesDone, double? PicturesPerSecond) Read()
    {
        lock (_lock) return (_picturesDone, _rate.PerSecond);
    }

    /// <summary>A poll ended.</summary>
    public void Polled(PollReport poll)
    {
        lock (_lock) _rate.Polled(poll.Received, poll.InHand, poll.At);
    }

    /// <summary>A message left the hand.</summary>
    public void Acknowledged(Acknowledged message)
    {
        var jobs = message is { Settlement: Settlement.Delete, Outcome.Succeeded: true } ? 1 : 0;
        lock (_lock)
        {
            _picturesDone += jobs;
            _rate.Released(jobs, released: 1, time.GetUtcNow());
        }
    }
}
