using ImageClassifier.Core.Ports;

namespace ImageClassifier.Simulator.Engine;

/// <summary>The request queue: waiting pictures in the order of arrival, and open long polls. A picture is identified
/// by its index in the arrivals.</summary>
internal sealed class RequestQueue(EventQueue events, TimeSpan countsLag)
{
    private readonly Queue<(SimulatedNode Node, int Stamp)> _polls = [];
    private readonly PriorityQueue<int, int> _returned = new();
    private readonly Queue<(long At, QueueMeasure Counts)> _history = [];
    private QueueMeasure _shown = new(0, 0);
    private int _arrived;
    private int _taken;

    /// <summary>The number of visible messages.</summary>
    public int Waiting => _arrived - _taken + _returned.Count;

    /// <summary>The picture that has waited longest. Valid only if a picture waits.</summary>
    public int Oldest => _returned.Count > 0 ? _returned.Peek() : _taken;

    /// <summary>The number of messages under lease.</summary>
    public int InFlight { get; private set; }

    /// <summary>The counts that the queue reports. With a lag, they are old.</summary>
    public QueueMeasure Measure()
    {
        if (countsLag <= TimeSpan.Zero) return new QueueMeasure(Waiting, InFlight);
        while (_history.TryPeek(out var oldest) && oldest.At <= events.Now - countsLag.Ticks)
            _shown = _history.Dequeue().Counts;
        return _shown;
    }

    /// <summary>Saves the counts, if they lag.</summary>
    public void Remember()
    {
        if (countsLag > TimeSpan.Zero) _history.Enqueue((events.Now, new QueueMeasure(Waiting, InFlight)));
    }

    /// <summary>Adds pictures, and answers the polls that have waited longest.</summary>
    public void Arrive(int pictures)
    {
        _arrived += pictures;
        ServePolls();
    }

    /// <summary>Makes pictures visible again after their leases have ended.</summary>
    public void Return(ReadOnlySpan<int> pictures)
    {
        InFlight -= pictures.Length;
        foreach (var picture in pictures) _returned.Enqueue(picture, picture);
        ServePolls();
    }

    /// <summary>Takes the picture that has waited longest. A picture must wait.</summary>
    public int Take()
    {
        InFlight++;
        return _returned.Count > 0 ? _returned.Dequeue() : _taken++;
    }

    /// <summary>Removes deleted messages.</summary>
    public void Deleted(int messages) => InFlight -= messages;

    /// <summary>Adds an open long poll.</summary>
    public void Wait(SimulatedNode node, int stamp) => _polls.Enqueue((node, stamp));

    private void ServePolls()
    {
        while (Waiting > 0 && _polls.TryDequeue(out var poll)) poll.Node.OnMessages(poll.Stamp);
    }
}
