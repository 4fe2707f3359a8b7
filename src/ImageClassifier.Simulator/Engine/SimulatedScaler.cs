using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Runs the <see cref="FleetPlanner"/> as the scaler's actor does: it looks at once when work was sent, again at
/// once after a launch, and else when the planner says; one look or launch at a time.</summary>
internal sealed class SimulatedScaler
{
    private const int KeptDecisions = 10_000;

    private readonly Cloud _cloud;
    private readonly FleetPlanner _planner;
    private readonly List<DecisionRecord> _decisions = [];
    private (Plan Plan, LaunchOutcome Outcome)? _launch;
    private int _timer;
    private bool _isLooking;
    private bool _looksAgain;

    public SimulatedScaler(Cloud cloud, ScalingPolicy policy, Random random)
    {
        _cloud = cloud;
        _planner = new FleetPlanner(policy, cloud.Model.Scaling, cloud.Now, random);
    }

    /// <summary>How many instances were last wanted.</summary>
    public int Wanted { get; private set; }

    /// <summary>Whether a launch is not answered yet.</summary>
    public bool IsLaunching => _launch is not null;

    /// <summary>The decisions that the log would show, in their order; of very many the first.</summary>
    public IReadOnlyList<DecisionRecord> Decisions => _decisions;

    /// <summary>Looks now, or as soon as it can.</summary>
    public void Look()
    {
        if (_isLooking || _launch is not null)
        {
            _looksAgain = true;
            return;
        }

        _isLooking = true;
        _looksAgain = false;
        _cloud.Events.Schedule(_cloud.Events.Now + _cloud.Model.LookTime.Ticks, EventKind.ScalerSaw);
    }

    /// <summary>Jobs were sent.</summary>
    public void WorkSent(int jobs)
    {
        _planner.WorkSent(jobs, _cloud.Now);
        Look();
    }

    /// <summary>A result came.</summary>
    public void JobDone(InstanceId instance) => _planner.JobDone(instance, _cloud.Now);

    /// <summary>The timer is due.</summary>
    public void OnDue(int stamp)
    {
        if (stamp == _timer) Look();
    }

    /// <summary>The measurements are there.</summary>
    public void OnSaw()
    {
        _isLooking = false;
        var seen = new Observation(_cloud.Queue.Measure(), _cloud.Fleet.Describe(), Nodes: null);
        var plan = _planner.Look(seen, _cloud.Now);
        Wanted = plan.Decision.Wanted;
        Keep(plan.News);
        foreach (var ending in plan.End) _cloud.Fleet.Terminate(ending.Instance);
        if (plan.Launch > 0)
        {
            _launch = (plan, _cloud.Fleet.Launch(plan.Launch));
            _cloud.Events.Schedule(_cloud.Events.Now + _cloud.Model.LaunchTime.Ticks, EventKind.LaunchAnswered);
            return;
        }

        if (_looksAgain) Look();
        else _cloud.Events.Schedule(_cloud.Events.Now + _planner.NextLook.Ticks, EventKind.ScalerDue, stamp: ++_timer);
    }

    /// <summary>The fleet answers a launch.</summary>
    public void OnLaunchAnswered()
    {
        var (plan, outcome) = _launch!.Value;
        _launch = null;
        Keep(_planner.LaunchAnswered(plan, outcome, _cloud.Now));
        Look();
    }

    private void Keep(DecisionRecord? decision)
    {
        if (decision is not null && _decisions.Count < KeptDecisions) _decisions.Add(decision);
    }
}
