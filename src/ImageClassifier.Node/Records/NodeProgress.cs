using ImageClassifier.Core.Messages;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Records;

/// <summary>What a node has done since its start, over all its streams, and what it has loaded. Safe from any
/// thread.</summary>
internal sealed class NodeProgress(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SaturatedRate _rate = new();
    private long _picturesDone;
    private IReadOnlyList<ModelIdentity> _loaded = [];

    /// <summary>The models of the registry that the node has loaded.</summary>
    public IReadOnlyList<ModelIdentity> Loaded => Volatile.Read(ref _loaded);

    /// <summary>The number of jobs settled with a result, and the jobs a second under full load. The rate is null until
    /// the node has once been under full load.</summary>
    public (long PicturesDone, double? PicturesPerSecond) Read()
    {
        lock (_lock) return (_picturesDone, _rate.PerSecond);
    }

    /// <summary>What the node has done, for the decision whether it is needed.</summary>
    public NodeWork ReadWork()
    {
        lock (_lock) return new NodeWork(_picturesDone, _rate.PerSecond, _rate.InHandTime);
    }

    /// <summary>Records the models of the registry that the node has loaded now.</summary>
    public void RecordLoaded(IReadOnlyList<ModelIdentity> models) => Volatile.Write(ref _loaded, models);

    /// <summary>Records a poll.</summary>
    public void RecordPoll(PollReport poll)
    {
        lock (_lock) _rate.RecordPoll(poll.Received, poll.InHand, time.GetMonotonicNow());
    }

    /// <summary>Records a message that left the hand.</summary>
    public void RecordAcknowledged(Acknowledged message)
    {
        var jobs = message is { Settlement: Settlement.Delete, Outcome.Succeeded: true } ? 1 : 0;
        lock (_lock)
        {
            _picturesDone += jobs;
            _rate.RecordReleased(jobs, released: 1, time.GetMonotonicNow());
        }
    }
}

/// <summary>What a node has done since its start.</summary>
/// <param name="PicturesDone">The number of jobs settled with a result.</param>
/// <param name="FullSpeed">The jobs a second under full load; null until the node was once under full load.</param>
/// <param name="InHandTime">The time in which at least one message was in hand.</param>
internal readonly record struct NodeWork(long PicturesDone, double? FullSpeed, TimeSpan InHandTime);
