using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Runs the <see cref="FleetPlanner"/> as the scaler's actor does. It observes at once after jobs were sent and
/// after a launch, and otherwise when the planner says. One observation or launch is under way at a time. Some
/// observations also read the nodes' records.</summary>
internal sealed class SimulatedScaler : ILauncher
{
    private const int KeptDecisions = 10_000;

    private readonly Cloud _cloud;
    private readonly FleetPlanner _planner;
    private readonly List<DecisionRecord> _decisions = [];
    private (ScalingPlan Plan, LaunchOutcome Outcome)? _launch;
    private long? _recordsReadAt;
    private int _timer;
    private bool _isObserving;
    private bool _observesAgain;

    public SimulatedScaler(Cloud cloud, ScalingPolicy policy, Random random)
    {
        _cloud = cloud;
        _planner = new FleetPlanner(policy, cloud.Model.Scaling, random);
    }

    /// <inheritdoc />
    public int Wanted { get; private set; }

    /// <inheritdoc />
    public bool IsLaunching => _launch is not null;

    /// <inheritdoc />
    public IReadOnlyList<DecisionRecord> Decisions => _decisions;

    /// <inheritdoc />
    public void Start() => Observe();

    /// <inheritdoc />
    public void WorkSent(int jobs)
    {
        _planner.WorkSent(jobs, _cloud.Now);
        Observe();
    }

    /// <inheritdoc />
    public void JobDone(InstanceId instance) => _planner.JobDone(instance, _cloud.Now);

    /// <inheritdoc />
    public void Handle(Event next)
    {
        switch (next.Kind)
        {
            case EventKind.ScalerDue when next.Stamp == _timer:
                Observe();
                break;
            case EventKind.ScalerObserved:
                OnObserved();
                break;
            case EventKind.LaunchAnswered:
                OnLaunchAnswered();
                break;
        }
    }

    private void Observe()
    {
        if (_isObserving || _launch is not null)
        {
            _observesAgain = true;
            return;
        }

        _isObserving = true;
        _observesAgain = false;
        _cloud.Events.Schedule(_cloud.Events.Now + _cloud.Model.ObservationTime.Ticks, EventKind.ScalerObserved);
    }

    private void OnObserved()
    {
        _isObserving = false;
        var observation = new Observation(_cloud.Queue.Measure(), _cloud.Fleet.Describe(), ReadRecords(), []);
        var plan = _planner.MakePlan(observation, _cloud.Now);
        Wanted = plan.Decision.Wanted;
        Keep(plan.NewDecision);
        foreach (var termination in plan.Terminate) _cloud.Fleet.Terminate(termination.Instance);
        if (plan.Launch > 0)
        {
            _launch = (plan, _cloud.Fleet.Launch(plan.Launch));
            _cloud.Events.Schedule(_cloud.Events.Now + _cloud.Model.LaunchTime.Ticks, EventKind.LaunchAnswered);
            return;
        }

        if (_observesAgain) Observe();
        else _cloud.Events.Schedule(_cloud.Events.Now + _planner.NextObservation.Ticks, EventKind.ScalerDue, stamp: ++_timer);
    }

    private void OnLaunchAnswered()
    {
        var (plan, outcome) = _launch!.Value;
        _launch = null;
        Keep(_planner.LaunchAnswered(plan, outcome, _cloud.Now));
        Observe();
    }

    private IReadOnlyList<StoredNodeRecord>? ReadRecords()
    {
        var now = _cloud.Events.Now;
        var isDue = _recordsReadAt is not { } readAt
            || (_planner.HasInstances && now - readAt >= _cloud.Model.Scaling.RecordsInterval.Ticks);
        if (!isDue) return null;
        _recordsReadAt = now;
        return _cloud.Fleet.ReadRecords();
    }

    private void Keep(DecisionRecord? decision)
    {
        if (decision is not null && _decisions.Count < KeptDecisions) _decisions.Add(decision);
    }
}
