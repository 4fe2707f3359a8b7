using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// All that the scaler thinks, without what it does: from what was seen to what is to be launched and ended, and why.
/// Launches that the fleet does not show yet count against the cap, failed ones make it pause, and after a start it looks
/// for a while before it launches. It has no clock, queue or fleet of its own, so a simulation runs it as it is.
/// </summary>
/// <param name="policy">Says how many instances are wanted.</param>
/// <param name="settings">The scaler's.</param>
/// <param name="startedAt">When it begins.</param>
/// <param name="random">Where the jitter of its pauses comes from; the process's own where none is given.</param>
internal sealed class FleetPlanner(
    ScalingPolicy policy, ScalingSettings settings, DateTimeOffset startedAt, Random? random = null)
{
    private readonly FleetTruth _fleet = new(settings.Limits);
    private readonly AnnouncedWork _announced = new(settings.CountsLag);
    private readonly ServiceMeter _service = new(settings.Latency.ServiceTime);
    private readonly BootMeter _boot = new(settings.Latency.BootTime);
    private readonly DecisionLog _decisions = new(settings.KeptDecisions);
    private readonly NodeProblems _problems = new();
    private readonly Backoff _backoff = new(settings.MinBackoff, settings.MaxBackoff, random);
    private readonly DateTimeOffset _settledAt = startedAt + settings.SettleTime;

    private DateTimeOffset _launchAgainAt;
    private string? _lastFailure;
    private IReadOnlyList<InstanceId> _lastFailed = [];
    private bool _areNodesFailing;
    private DateTimeOffset? _unfitAt;
    private bool _stopped;
    private QueueMeasure _queue = new(0, 0);
    private bool _isMoreWaiting;

    /// <summary>When to look again if nothing happens: soon while there is work or an instance.</summary>
    public TimeSpan NextLook =>
        _queue.Backlog > 0 || _isMoreWaiting || _fleet.Count.Alive > 0 ? settings.Interval : settings.IdleInterval;

    /// <summary>Whether there are nodes that may write records.</summary>
    public bool HasInstances => _fleet.Count.Alive > 0;

    /// <summary>What is known.</summary>
    public FleetView View => new(
        settings.MaxInstances, _queue.Waiting, _queue.InFlight, _service.ServiceTime, _boot.BootTime, _fleet.Instances,
        _decisions.Newest)
    {
        Problems = _problems.Newest,
        AreNodesFailing = _areNodesFailing && _fleet.Count.Running == 0,
    };

    /// <summary>Launches nothing any more.</summary>
    public void StopLaunching() => _stopped = true;

    /// <summary>Jobs were sent to the request queue.</summary>
    public void WorkSent(int jobs, DateTimeOffset now) => _announced.Sent(jobs, now);

    /// <summary>A result came.</summary>
    public void JobDone(InstanceId instance, DateTimeOffset now)
    {
        _announced.Done(now);
        _service.JobDone();
        if (_fleet.JobDone(instance, now) is not { } launchedAt) return;
        _problems.Worked(launchedAt);
        if (launchedAt < _unfitAt) return;
        _areNodesFailing = false;
        if (_unfitAt is not null) _backoff.Reset();
        _unfitAt = null;
    }

    /// <summary>The records of nodes could not be read.</summary>
    public void RecordsUnreadable() => _fleet.RecordsUnreadable();

    /// <summary>Takes a look, and says what is to be done. What is launched must be answered by
    /// <see cref="LaunchAnswered"/> or <see cref="LaunchUnanswered"/> before the next look.</summary>
    public Plan Look(Observation seen, DateTimeOffset now)
    {
        _queue = seen.Queue;
        var warnings = new List<string>();
        var news = _fleet.Look(seen, now);
        foreach (var boot in news.Boots) _boot.CameUp(boot);
        foreach (var record in news.Records) _service.Heard(record);
        _problems.Age(now);
        foreach (var (instance, reason) in news.Problems)
        {
            if (_problems.Add(new NodeProblem(now, instance, reason)))
                warnings.Add($"Instance {instance} had to end: {reason}");
        }

        // A node that cannot work comes up all the same, and so would the next, again and again: work alone shows
        // that the cause is mended.
        if (news.Failed.Any(failed => failed.IsUnfit)) _unfitAt = now;
        if (news.AnyCameUp && _unfitAt is null)
        {
            _areNodesFailing = false;
            _backoff.Reset();
        }

        // Instances that fail together have one cause, so they make one pause.
        if (news.Failed.Count > 0) warnings.Add(OnInstancesFailed(news.Failed, now));

        var fleet = _fleet.Count;
        _service.Looked(fleet.Running, seen.Queue.Waiting > 0, now);
        var waiting = _announced.Waiting(seen.Queue, now);
        _isMoreWaiting = waiting > seen.Queue.Waiting;
        var snapshot = new ScalingSnapshot(
            waiting, seen.Queue.InFlight, fleet, _service.ServiceTime, _boot.BootTime,
            _fleet.BootsLeft(_boot.BootTime, now));
        var (launch, decision, recorded) = Decide(snapshot, now);
        return new Plan(launch, snapshot, decision, news.ToEnd, news.StaleRecords, recorded, warnings);
    }

    /// <summary>The fleet has answered a launch.</summary>
    /// <returns>The decision, for the log.</returns>
    public DecisionRecord LaunchAnswered(Plan plan, LaunchOutcome outcome, DateTimeOffset now)
    {
        var launched = outcome.Launched.Count;
        _fleet.Launched(outcome.Launched, now);
        if (outcome.Shortfall is { } shortfall)
            OnLaunchFailure(
                $"{launched} of {plan.Launch} instances could be launched: {shortfall.TrimEnd('.')}", [], now);

        var done = launched == 1 ? "1 is launched" : $"{launched} are launched";
        return Record(plan.Seen, plan.Decision,
            launched > 0 ? DecisionOutcome.Launched : DecisionOutcome.Held,
            launched > 0 ? null : HoldCause.FailedLaunch, launched,
            outcome.Shortfall is null
                ? $"{plan.Decision.Reason} {There(plan.Seen.Fleet)}, {done}."
                : $"{plan.Decision.Reason} {_lastFailure}.", now).Decision;
    }

    /// <summary>The fleet has not answered a launch, which may have happened.</summary>
    /// <returns>The decision, for the log. The cause is not in it, because clients read decisions.</returns>
    public DecisionRecord LaunchUnanswered(Plan plan, DateTimeOffset now)
    {
        OnLaunchFailure($"{Instances(plan.Launch)} wanted, and the fleet does not answer", [], now);
        return Record(plan.Seen, plan.Decision, DecisionOutcome.Held, HoldCause.FailedLaunch, 0,
            $"{plan.Decision.Reason} {_lastFailure}.", now).Decision;
    }

    private (int Launch, ScalingDecision Decision, DecisionRecord? News) Decide(
        ScalingSnapshot snapshot, DateTimeOffset now)
    {
        var decision = policy.Decide(snapshot);
        var fleet = snapshot.Fleet;
        var missing = decision.Wanted - fleet.Usable;
        var room = settings.MaxInstances - fleet.Alive;
        var hold = missing > 0 ? WhatHolds(room, now) : null;
        if (missing > 0 && hold is null) return (Math.Min(missing, room), decision, null);

        var (outcome, reason) = (hold, snapshot) switch
        {
            ({ } cause, _) => (DecisionOutcome.Held, Describe(cause, now)),
            (_, { Waiting: 0, Fleet.Alive: 0 }) => (DecisionOutcome.Idle, "The fleet is at zero."),
            (_, { Waiting: 0 }) => (DecisionOutcome.Enough, $"{There(fleet)}, until idle ones end themselves."),
            _ => (DecisionOutcome.Enough, $"{There(fleet)}, that is enough."),
        };
        var (record, isNews) = Record(
            snapshot, decision, outcome, hold, 0, $"{decision.Reason} {reason}", now);
        return (0, decision, isNews ? record : null);
    }

    private HoldCause? WhatHolds(int room, DateTimeOffset now) =>
        _stopped ? HoldCause.Stopping
        : now < _settledAt ? HoldCause.Settling
        : now < _launchAgainAt ? HoldCause.FailedLaunch
        : room <= 0 ? HoldCause.Cap
        : null;

    private string Describe(HoldCause hold, DateTimeOffset now) => hold switch
    {
        HoldCause.Stopping => "The web tier stops, so nothing is launched.",
        HoldCause.Settling => "Just started: instances of an earlier run may still show, so nothing is launched yet.",
        HoldCause.FailedLaunch => string.Create(CultureInfo.InvariantCulture,
            $"{LastFailure()}; the next launch is tried in {(_launchAgainAt - now).TotalSeconds:0.#} s."),
        _ => $"The cap of {settings.MaxInstances} is reached, draining instances included.",
    };

    private string OnInstancesFailed(IReadOnlyList<FailedInstance> failed, DateTimeOffset now)
    {
        var failure = failed switch
        {
            [var only] => $"Instance {only.Id} {only.How}",
            _ when failed.All(one => one.IsUnfit) => $"{failed.Count} instances cannot work",
            _ => $"{failed.Count} instances never came up",
        };
        _areNodesFailing = true;
        return OnLaunchFailure(failure, [.. failed.Select(one => one.Id)], now);
    }

    /// <summary>The last failure with its reason, which may have come later.</summary>
    private string LastFailure() => _problems.ReasonOf(_lastFailed) is { } reason
        ? $"{_lastFailure} ({reason.TrimEnd('.')})"
        : _lastFailure!;

    private string OnLaunchFailure(string failure, IReadOnlyList<InstanceId> failed, DateTimeOffset now)
    {
        _lastFailed = failed;
        var pause = _backoff.Next();
        _launchAgainAt = now + pause;
        _lastFailure = failure;
        return string.Create(CultureInfo.InvariantCulture, $"{failure}; launching pauses for {pause.TotalSeconds:0.#} s");
    }

    private (DecisionRecord Decision, bool IsNews) Record(
        ScalingSnapshot seen, ScalingDecision decision, DecisionOutcome outcome, HoldCause? hold, int launched,
        string reason, DateTimeOffset now)
    {
        var record = new DecisionRecord(now, now, outcome, hold, seen, decision.Wanted, launched, reason);
        return (record, _decisions.Add(record));
    }

    private static string There(FleetCount fleet) => $"{Instances(fleet.Usable)} there or coming";

    private static string Instances(int count) => count == 1 ? "1 instance is" : $"{count} instances are";
}

/// <summary>What is to be done.</summary>
/// <param name="Launch">How many instances are to be launched.</param>
/// <param name="Seen">What was seen.</param>
/// <param name="Decision">What the policy wants.</param>
/// <param name="End">The instances that are to be ended.</param>
/// <param name="Forget">The instances whose records are to be deleted.</param>
/// <param name="News">The decision, where nothing is to be launched and it is not the same as before.</param>
/// <param name="Warnings">What went wrong, for the log.</param>
internal sealed record Plan(
    int Launch,
    ScalingSnapshot Seen,
    ScalingDecision Decision,
    IReadOnlyList<Ending> End,
    IReadOnlyList<InstanceId> Forget,
    DecisionRecord? News,
    IReadOnlyList<string> Warnings);
