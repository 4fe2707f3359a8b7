using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node;
using ImageClassifier.Node.Supervision;
using ImageClassifier.Testing.Fakes;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>How an instance ended.</summary>
internal enum InstanceEnd
{
    /// <summary>Its node ended it.</summary>
    ByItself,

    /// <summary>The scaler terminated it.</summary>
    Terminated,

    /// <summary>It never came up.</summary>
    NeverCameUp,

    /// <summary>It was killed, as by SIGKILL or a power cut.</summary>
    Killed,

    /// <summary>The cloud reclaimed it after two minutes' notice.</summary>
    TakenBack,
}

/// <summary>A simulated machine. After its boot it runs an app node with the production actors.</summary>
internal sealed class SimulatedInstance : IInstanceIdentity
{
    /// <summary>A picture that kills the process that decodes it.</summary>
    public const string Poison = "poison";

    private const int PicturesOfARun = 8;
    private static readonly TimeSpan ProcessStart = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SpotNotice = TimeSpan.FromMinutes(2);

    private readonly SimulatedFleet _fleet;
    private readonly World _world;
    private readonly Lifeline _lifeline = new();
    private readonly CancellationTokenSource _drain = new();
    private readonly KillableQueue _requests;
    private IActorRef _node = ActorRefs.Nobody;

    public SimulatedInstance(InstanceId id, SimulatedFleet fleet, World world)
    {
        Id = id;
        LaunchedAt = world.Now;
        _fleet = fleet;
        _world = world;
        _requests = new KillableQueue(world.Requests, _lifeline);
    }

    public InstanceId Id { get; }

    public DateTimeOffset LaunchedAt { get; }

    public DateTimeOffset? NodeStartedAt { get; private set; }

    public DateTimeOffset? EndedAt { get; private set; }

    public InstanceEnd? End { get; private set; }

    /// <summary>The messages that it held when it ended.</summary>
    public int InHandAtEnd { get; private set; }

    /// <summary>The most messages that it ever held.</summary>
    public int MostInHand => _requests.MostInHand;

    /// <summary>Whether its launch was answered, so that the fleet reports it at once.</summary>
    public bool IsAnswered { get; set; } = true;

    /// <summary>Whether its node works.</summary>
    public bool IsUp => NodeStartedAt is not null && !_lifeline.IsCut && EndedAt is null;

    public CancellationToken DrainRequested => _drain.Token;

    /// <summary>The fleet's report of it. The fleet knows machines and not nodes: the machine runs while its system
    /// still boots, and the node's first poll is unknown.</summary>
    public FleetInstance Describe(TimeSpan machineStart)
    {
        if (EndedAt is { } endedAt)
        {
            var ranAt = End == InstanceEnd.NeverCameUp ? (DateTimeOffset?)null : LaunchedAt;
            return new FleetInstance(Id, InstanceState.Ended, LaunchedAt, ranAt, endedAt);
        }

        var isRunning = _world.Now - LaunchedAt >= machineStart;
        return new FleetInstance(Id, isRunning ? InstanceState.Running : InstanceState.Pending, LaunchedAt, null, null);
    }

    /// <summary>Starts the node after the boot.</summary>
    public void StartNode()
    {
        if (EndedAt is not null) return;
        NodeStartedAt = _world.Now;
        var classifier = new FakeImageClassifier(PicturesOfARun)
        {
            WhileDecoding = word =>
            {
                if (word == Poison) Kill(InstanceEnd.Killed);
            },
        };
        var store = new KillableStore(
            new WorkingStore(_world.Store, _world.Settings.ServiceTime, _world.Time), _lifeline);
        var isolated = new FakeIsolatedClassifier
        {
            Outcome = async word =>
            {
                if (word != Poison) return null;
                await Task.Delay(ProcessStart, _world.Time);
                return FakeIsolatedClassifier.Died(ProcessDeath.Crashed);
            },
        };
        var ports = new NodePorts(
            new QueuePair(_requests, new KillableQueue(_world.Responses, _lifeline)),
            store,
            classifier,
            isolated,
            new FakeModelSource(),
            this);
        var props = NodeSupervisorActor.Props(
            _world.NodeSettings, ports, _world.Time, "classifier-dispatcher", _ => StopNode());
        _node = _world.System.ActorOf(props, $"node-{Id}");
    }

    /// <summary>Ends the instance at once, with everything on it.</summary>
    public void Kill(InstanceEnd how)
    {
        Silence();
        MarkEnded(how);
    }

    /// <summary>Ends the node's process. The machine stays and does nothing.</summary>
    public void Silence()
    {
        _lifeline.Cut();
        StopNode();
    }

    /// <summary>Reclaims the machine with two minutes' notice.</summary>
    public void TakeBack()
    {
        _drain.Cancel();
        _world.After(SpotNotice, () => Kill(InstanceEnd.TakenBack));
    }

    public Task ReportAsync(InstanceState state, CancellationToken cancellation) =>
        _lifeline.CallAsync(() => Task.CompletedTask);

    public Task EndAsync(CancellationToken cancellation) => _lifeline.CallAsync(() =>
    {
        MarkEnded(InstanceEnd.ByItself);
        return Task.CompletedTask;
    });

    private void StopNode()
    {
        if (!_node.IsNobody()) _world.System.Stop(_node);
    }

    private void MarkEnded(InstanceEnd how)
    {
        lock (_lifeline)
        {
            if (EndedAt is not null) return;
            EndedAt = _world.Now;
            End = how;
            InHandAtEnd = _requests.InHand;
        }

        _fleet.Ended();
    }
}
