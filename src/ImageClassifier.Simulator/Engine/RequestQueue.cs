using ImageClassifier.Core.Ports;

namespace ImageClassifier.Simulator.Engine;

/// <summary>The request queue: what waits, in the order of arrival, and the polls that wait for it. A picture is named
/// by its place among the arrivals.</summary>
internal sealed class RequestQueue(EventQueue events, TimeSpan countsLag)
{
    private readonly Queue<(SimulatedNode Node, int Stamp)> _polls = [];
    private readonly PriorityQueue<int, int> _returned = new();
    private readonly Queue<(long At, QueueMeasure Counts)> _history = [];
    private QueueMeasure _shown = new(0, 0);
    private int _arrived;
    private int _taken;

    /// <summary>The visible messages.</summary>
    public int Waiting => _arrived - _taken + _returned.Count;

    /// <summary>The picture that waits longest; only where one waits.</summary>
    public int Oldest => _returned.Count > 0 ? _returned.Peek() : _taken;

    /// <summary>The messages under lease.</summary>
    public int InFlight { get; private set; }

    /// <summary>The counts as the queue tells them: as they were a while ago where they lag.</summary>
    public QueueMeasure Measure()
    {
        if (countsLag <= TimeSpan.Zero) return new QueueMeasure(Waiting, InFlight);
        while (_history.TryPeek(out var oldest) && oldest.At <= events.Now - countsLag.Ticks)
            _shown = _history.Dequeue().Counts;
        return _shown;
    }

    /// <summary>Remembers the counts, where they lag.</summary>
    public void Remember()
    {
        if (countsLag > TimeSpan.Zero) _history.Enqueue((events.Now, new QueueMeasure(Waiting, InFlight)));
    }

    /// <summary>Pictures arrive, and wake the polls that have waited longest.</summary>
    public void Arrive(int pictures)
    {
        _arrived += pictures;
        ServePolls();
    }

    /// <summary>Pictures become visible again, because their leases have run out.</summary>
    public void Return(ReadOnlySpan<int> pictures)
    {
        InFlight -= pictures.Length;
        foreach (var picture in pictures) _returned.Enqueue(picture, picture);
        ServePolls();
    }

    /// <summary>Takes the picture that waits longest; there must be one.</summary>
    public int Take()
    {
        InFlight++;
        return _returned.Count > 0 ? _returned.Dequeue() : _taken++;
    }

    /// <summary>Messages are deleted.</summary>
    public void Deleted(int messages) => InFlight -= messages;

    /// <summary>A poll waits.</summary>
    public void Wait(SimulatedNode node, int stamp) => _polls.Enqueue((node, stamp));

    private void ServePolls()
    {
        while (Waiting > 0 && _polls.TryDequeue(out var poll)) poll.Node.OnMessages(poll.Stamp);
    }
}
