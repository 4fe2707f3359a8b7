using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Plans for the scaler: what to launch, what to terminate, and why. It does none of it itself. It has no clock, queue
/// or fleet of its own, so a simulation can run it unchanged.
/// </summary>
/// <remarks>
/// Launches that the fleet does not report yet count against the cap, also those of an earlier scaler. A failed launch
/// makes launching pause.
/// </remarks>
/// <param name="policy">Decides how many instances are wanted.</param>
/// <param name="settings">The scaler's settings.</param>
/// <param name="random">Source of the back-off's jitter; null for the shared one.</param>
internal sealed class FleetPlanner(ScalingPolicy policy, ScalingSettings settings, Random? random = null)
{
    private readonly FleetTracker _fleet = new(settings.Limits);
    private readonly BacklogEstimator _backlog = new(settings.CountsLag);
    private readonly ServiceMeter _service = new(settings.Latency.ServiceTime);
    private readonly BootMeter _boot = new(settings.Latency.BootTime);
    private readonly DecisionLog _decisions = new(settings.KeptDecisions);
    private readonly NodeProblems _problems = new();
    private readonly Backoff _backoff = new(settings.MinBackoff, settings.MaxBackoff, random);

    private DateTimeOffset _launchAgainAt;
    private string? _lastFailure;
    private IReadOnlyList<InstanceId> _lastFailed = [];
    private bool _areNodesFailing;
    private DateTimeOffset? _cannotWorkSince;
    private bool _stopped;
    private bool _areLaunchesKnown;
    private QueueMeasure _queue = new(0, 0);
    private bool _countsLagBehind;

    /// <summary>The delay until the next observation: short while there is work or an instance.</summary>
    public TimeSpan NextObservation =>
        _queue.Backlog > 0 || _countsLagBehind || _fleet.Count.Alive > 0 ? settings.Interval : settings.IdleInterval;

    /// <summary>Whether any instance is alive, so that its node can write records.</summary>
    public bool HasInstances => _fleet.Count.Alive > 0;

    /// <summary>The fleet as the planner knows it.</summary>
    public FleetStatus Status => new(
        settings.MaxInstances, _queue.Waiting, _queue.InFlight, _service.ServiceTime, _boot.BootTime, _fleet.Instances,
        _decisions.Newest)
    {
        Problems = _problems.Newest,
        AreNodesFailing = _areNodesFailing && _fleet.Count.Running == 0,
    };

    /// <summary>Launches nothing from now on.</summary>
    public void StopLaunching() => _stopped = true;

    /// <summary>Counts jobs that were sent to the request queue.</summary>
    public void WorkSent(int jobs, DateTimeOffset now) => _backlog.JobsSent(jobs, now);

    /// <summary>Counts a result.</summary>
    /// <param name="instance">The instance that gave it.</param>
    /// <param name="now">The current time.</param>
    /// <param name="wasBegun">False if the job only left the queue, so that it says nothing of the service time.</param>
    public void JobDone(InstanceId instance, DateTimeOffset now, bool wasBegun = true)
    {
        _backlog.JobDone(now);
        if (wasBegun) _service.JobDone();
        if (_fleet.JobDone(instance, now) is not { } launchedAt) return;
        _problems.RemoveOlderThan(launchedAt);
        if (launchedAt < _cannotWorkSince) return;
        _areNodesFailing = false;
        if (_cannotWorkSince is not null) _backoff.Reset();
        _cannotWorkSince = null;
    }

    /// <summary>Notes that the records of nodes cannot be read.</summary>
    public void RecordsUnreadable() => _fleet.RecordsUnreadable();

    /// <summary>Plans from an observation. If the plan launches, call <see cref="LaunchAnswered"/> or
    /// <see cref="LaunchFailed"/> before the next observation.</summary>
    public ScalingPlan MakePlan(Observation observation, DateTimeOffset now)
    {
        _queue = observation.Queue;
        _areLaunchesKnown = observation.EarlierLaunches is not null;
        var warnings = new List<string>();
        var changes = _fleet.Update(observation, now);
        foreach (var boot in changes.BootTimes) _boot.Add(boot);
        foreach (var record in changes.NewRecords) _service.AddNodeRate(record);
        _problems.Expire(now);
        foreach (var (instance, reason) in changes.Problems)
        {
            if (_problems.Add(new NodeProblem(now, instance, reason)))
                warnings.Add($"Instance {instance} could not work and ended: {reason}");
        }

        // A node that cannot work comes up all the same, and so would its successors. Only a result proves that the
        // cause is gone.
        if (changes.Failed.Any(failed => failed.CannotWork)) _cannotWorkSince = now;
        if (changes.AnyCameUp && _cannotWorkSince is null)
        {
            _areNodesFailing = false;
            _backoff.Reset();
        }

        // Instances that fail together have one cause, so launching pauses once.
        if (changes.Failed.Count > 0) warnings.Add(OnInstancesFailed(changes.Failed, now));

        var fleet = _fleet.Count;
        _service.AddObservation(fleet.Running, observation.Queue.Waiting > 0, now);
        var waiting = _backlog.EstimateWaiting(observation.Queue, now);
        _countsLagBehind = waiting > observation.Queue.Waiting;
        var snapshot = new ScalingSnapshot(
            waiting, observation.Queue.InFlight, fleet, _service.ServiceTime, _boot.BootTime,
            _fleet.BootsLeft(_boot.BootTime, now));
        var (launch, decision, recorded) = Decide(snapshot, now);
        return new ScalingPlan(
            launch, snapshot, decision, changes.ToTerminate, changes.StaleRecords, recorded, warnings);
    }

    /// <summary>Takes in the fleet's answer to a launch.</summary>
    /// <returns>The decision, for the log.</returns>
    public DecisionRecord LaunchAnswered(ScalingPlan plan, LaunchOutcome outcome, DateTimeOffset now)
    {
        var launched = outcome.Launched.Count;
        _fleet.Launched(outcome.Launched, now);
        if (outcome.Shortfall is { } shortfall)
            OnLaunchFailure(
                $"{launched} of {plan.Launch} instances could be launched: {shortfall.TrimEnd('.')}", [], now);

        var done = launched == 1 ? "1 is launched" : $"{launched} are launched";
        return Record(plan.Snapshot, plan.Decision,
            launched > 0 ? DecisionOutcome.Launched : DecisionOutcome.Held,
            launched > 0 ? null : HoldCause.FailedLaunch, launched,
            outcome.Shortfall is null
                ? $"{plan.Decision.Reason} {Present(plan.Snapshot.Fleet)}, {done}."
                : $"{plan.Decision.Reason} {_lastFailure}.", now).Decision;
    }

    /// <summary>Notes that a launch was not made, or that the fleet did not answer it and may have made it.</summary>
    /// <param name="plan">The plan with the launch.</param>
    /// <param name="failure">What failed, as a clause. Clients can read decisions, so it must not contain the
    /// cause.</param>
    /// <param name="now">The time.</param>
    /// <returns>The decision, for the log.</returns>
    public DecisionRecord LaunchFailed(ScalingPlan plan, string failure, DateTimeOffset now)
    {
        OnLaunchFailure($"{Instances(plan.Launch)} wanted, and {failure}", [], now);
        return Record(plan.Snapshot, plan.Decision, DecisionOutcome.Held, HoldCause.FailedLaunch, 0,
            $"{plan.Decision.Reason} {_lastFailure}.", now).Decision;
    }

    private (int Launch, ScalingDecision Decision, DecisionRecord? NewDecision) Decide(
        ScalingSnapshot snapshot, DateTimeOffset now)
    {
        var decision = policy.Decide(snapshot);
        var fleet = snapshot.Fleet;
        var missing = decision.Wanted - fleet.Usable;
        var room = settings.MaxInstances - fleet.Alive;
        var hold = missing > 0 ? FindHold(room, now) : null;
        if (missing > 0 && hold is null) return (Math.Min(missing, room), decision, null);

        var (outcome, reason) = (hold, snapshot) switch
        {
            ({ } cause, _) => (DecisionOutcome.Held, Describe(cause, now)),
            (_, { Waiting: 0, Fleet.Alive: 0 }) => (DecisionOutcome.Idle, "The fleet is at zero."),
            (_, { Waiting: 0 }) => (DecisionOutcome.Enough, $"{Present(fleet)}, and idle ones will end themselves."),
            _ => (DecisionOutcome.Enough, $"{Present(fleet)}, that is enough."),
        };
        var (record, isNews) = Record(
            snapshot, decision, outcome, hold, 0, $"{decision.Reason} {reason}", now);
        return (0, decision, isNews ? record : null);
    }

    private HoldCause? FindHold(int room, DateTimeOffset now) =>
        _stopped ? HoldCause.Stopping
        : !_areLaunchesKnown ? HoldCause.LaunchesUnknown
        : now < _launchAgainAt ? HoldCause.FailedLaunch
        : room <= 0 ? HoldCause.Cap
        : null;

    private string Describe(HoldCause hold, DateTimeOffset now) => hold switch
    {
        HoldCause.Stopping => "The web tier stops, so nothing is launched.",
        HoldCause.LaunchesUnknown =>
            "The notes of earlier launches have not been read yet, and the fleet may not show all instances.",
        HoldCause.FailedLaunch => string.Create(CultureInfo.InvariantCulture,
            $"{LastFailure()}; the next launch is tried in {(_launchAgainAt - now).TotalSeconds:0.#} s."),
        _ => $"The cap of {settings.MaxInstances} instances is reached; draining ones count.",
    };

    private string OnInstancesFailed(IReadOnlyList<FailedInstance> failed, DateTimeOffset now)
    {
        var failure = failed switch
        {
            [var only] => $"Instance {only.Id} {only.Failure}",
            _ when failed.All(instance => instance.CannotWork) => $"{failed.Count} instances cannot work",
            _ => $"{failed.Count} instances never came up",
        };
        _areNodesFailing = true;
        return OnLaunchFailure(failure, [.. failed.Select(instance => instance.Id)], now);
    }

    /// <summary>The last failure, with the reason if the node has reported one since.</summary>
    private string LastFailure() => _problems.ReasonOf(_lastFailed) is { } reason
        ? $"{_lastFailure} ({reason.TrimEnd('.')})"
        : _lastFailure!;

    private string OnLaunchFailure(string failure, IReadOnlyList<InstanceId> failed, DateTimeOffset now)
    {
        _lastFailed = failed;
        var pause = _backoff.Next();
        _launchAgainAt = now + pause;
        _lastFailure = failure;
        return string.Create(
            CultureInfo.InvariantCulture, $"{failure}; launching pauses for {pause.TotalSeconds:0.#} s");
    }

    private (DecisionRecord Decision, bool IsNews) Record(
        ScalingSnapshot seen, ScalingDecision decision, DecisionOutcome outcome, HoldCause? hold, int launched,
        string reason, DateTimeOffset now)
    {
        var record = new DecisionRecord(now, now, outcome, hold, seen, decision.Wanted, launched, reason);
        return (record, _decisions.Add(record));
    }

    private static string Present(FleetCount fleet) => $"{Instances(fleet.Usable)} running or booting";

    private static string Instances(int count) => count == 1 ? "1 instance is" : $"{count} instances are";
}

/// <summary>What the scaler must do now.</summary>
/// <param name="Launch">How many instances to launch.</param>
/// <param name="Snapshot">What the policy saw.</param>
/// <param name="Decision">What the policy wants.</param>
/// <param name="Terminate">The instances to terminate.</param>
/// <param name="StaleRecords">The instances whose records to delete.</param>
/// <param name="NewDecision">The decision to log; null if a launch follows or nothing changed.</param>
/// <param name="Warnings">What went wrong, for the log.</param>
internal sealed record ScalingPlan(
    int Launch,
    ScalingSnapshot Snapshot,
    ScalingDecision Decision,
    IReadOnlyList<Termination> Terminate,
    IReadOnlyList<InstanceId> StaleRecords,
    DecisionRecord? NewDecision,
    IReadOnlyList<string> Warnings);
