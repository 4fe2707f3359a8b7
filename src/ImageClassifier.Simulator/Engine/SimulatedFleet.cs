using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>The instances as the fleet's port shows them, and their cost.</summary>
internal sealed class SimulatedFleet(Cloud cloud)
{
    private static readonly long ShownAfterEnd = TimeSpan.FromMinutes(10).Ticks;

    private readonly List<SimulatedNode> _nodes = [];
    private readonly Dictionary<InstanceId, int> _places = [];
    private readonly List<SimulatedNode> _shownNodes = [];
    private readonly List<FleetInstance> _shown = [];
    private long _countedUntil;
    private double _aliveTicks;
    private long _someAliveTicks;
    private bool _isStale;

    /// <summary>All instances that were ever launched.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>The number of booting instances.</summary>
    public int Booting { get; private set; }

    /// <summary>The number of instances that receive jobs.</summary>
    public int Running { get; private set; }

    /// <summary>The number of live instances.</summary>
    public int Alive => Booting + Running;

    /// <summary>The most instances that lived at once.</summary>
    public int Peak { get; private set; }

    /// <summary>The mean number of live instances, over the time in which there were any.</summary>
    public double Mean => _someAliveTicks == 0 ? 0 : _aliveTicks / _someAliveTicks;

    /// <summary>The billed hours.</summary>
    public double BilledHours
    {
        get
        {
            var ticks = 0L;
            foreach (var node in _nodes)
                ticks += cloud.Model.Price.Billed((node.EndedAt ?? cloud.Events.Now) - node.LaunchedAt);
            return TimeSpan.FromTicks(ticks).TotalHours;
        }
    }

    /// <summary>Lists the live instances, and those that ended within ten minutes.</summary>
    public IReadOnlyList<FleetInstance> Describe()
    {
        if (!_isStale && (_shownNodes.Count == 0 || !IsForgotten(_shownNodes[0]))) return _shown;
        _shownNodes.RemoveAll(IsForgotten);
        _shown.Clear();
        foreach (var node in _shownNodes) _shown.Add(node.Shown);
        _isStale = false;
        return _shown;
    }

    /// <summary>Reads the heartbeat records of the running nodes.</summary>
    public IReadOnlyList<StoredNodeRecord> ReadRecords()
    {
        var records = new List<StoredNodeRecord>(Running);
        foreach (var node in _shownNodes)
        {
            if (node.IsRunning) records.Add(node.ReadRecord());
        }

        return records;
    }

    /// <summary>Finds the place of a running node among all, in the order of their ids.</summary>
    public (int Place, int Nodes) PlaceOf(SimulatedNode node)
    {
        var (place, nodes) = (0, 0);
        foreach (var other in _shownNodes)
        {
            if (other == node) place = nodes;
            if (other.IsRunning) nodes++;
        }

        return (place, nodes);
    }

    /// <summary>Launches instances, up to the capacity of the cloud.</summary>
    public LaunchOutcome Launch(int count)
    {
        var room = Math.Max(0, cloud.Model.Faults.Capacity - Alive);
        if (cloud.DrawLaunchFailure()) return new LaunchOutcome([], "the launch failed");
        var launched = new List<InstanceId>();
        CountTime();
        for (var i = 0; i < Math.Min(count, room); i++)
        {
            var node = new SimulatedNode(cloud, _nodes.Count, cloud.Now);
            _places[node.Shown.Id] = _nodes.Count;
            cloud.ScheduleLife(_nodes.Count);
            _nodes.Add(node);
            _shownNodes.Add(node);
            launched.Add(node.Shown.Id);
        }

        Booting += launched.Count;
        Peak = Math.Max(Peak, Alive);
        _isStale = true;
        return new LaunchOutcome(launched, count > room ? "the cloud has no more" : null);
    }

    /// <summary>Kills an instance.</summary>
    public void Terminate(InstanceId instance) => _nodes[_places[instance]].Kill();

    /// <summary>Records that a node has booted.</summary>
    public void CameUp(SimulatedNode node)
    {
        CountTime();
        Booting--;
        Running++;
        _isStale = true;
    }

    /// <summary>Records that a node has ended.</summary>
    public void Ended(SimulatedNode node)
    {
        CountTime();
        if (node.Shown.RunningAt is null) Booting--;
        else Running--;
        _isStale = true;
    }

    private bool IsForgotten(SimulatedNode node) =>
        node.EndedAt is { } ended && cloud.Events.Now - ended >= ShownAfterEnd;

    private void CountTime()
    {
        var passed = cloud.Events.Now - _countedUntil;
        _aliveTicks += (double)Alive * passed;
        if (Alive > 0) _someAliveTicks += passed;
        _countedUntil = cloud.Events.Now;
    }
}
