using System.Globalization;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Grows the fleet: looks at the queue and the fleet, lets the policy decide, and launches what is missing. It never
/// shrinks the fleet; nodes end themselves. Launches that the fleet does not show yet count against the cap, failed ones
/// make it pause, and after a start it looks for a while before it launches.
/// </summary>
public sealed class ScalerActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IInstanceFleet _fleet;
    private readonly ScalingPolicy _policy;
    private readonly ScalingSettings _settings;
    private readonly LaunchLedger _ledger;
    private readonly DecisionLog _decisions;
    private readonly Backoff _backoff;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    private DateTimeOffset _settledAt;
    private DateTimeOffset _launchAgainAt;
    private string? _lastFailure;
    private UnansweredLaunch? _unanswered;
    private bool _looking;
    private bool _lookAgain;
    private bool _launching;
    private bool _stopped;
    private int _waiting;
    private int _inFlight;
    private IReadOnlyList<FleetInstance> _instances = [];

    /// <summary>Creates the actor.</summary>
    public ScalerActor(
        IMessageQueue requests, IInstanceFleet fleet, ScalingPolicy policy, ScalingSettings settings)
    {
        _requests = requests;
        _fleet = fleet;
        _policy = policy;
        _settings = settings;
        _ledger = new LaunchLedger(settings.LaunchTimeout);
        _decisions = new DecisionLog(settings.KeptDecisions);
        _backoff = new Backoff(settings.MinBackoff, settings.MaxBackoff);

        Receive<Tick>(_ => Look());
        Receive<WorkSent>(_ => Look());
        Receive<Observed>(OnObserved);
        Receive<LookFailed>(OnLookFailed);
        Receive<LaunchFinished>(OnLaunchFinished);
        Receive<LaunchUnanswered>(OnLaunchUnanswered);
        Receive<GetFleet>(_ => Sender.Tell(new FleetView(
            _settings.MaxInstances, _waiting, _inFlight, _instances, _decisions.Newest)));
        Receive<StopLaunching>(_ => _stopped = true);
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <inheritdoc />
    protected override void PreStart()
    {
        _settledAt = Now + _settings.SettleTime;
        Look();
    }

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void Look()
    {
        if (_looking || _launching)
        {
            _lookAgain = true;
            return;
        }

        _looking = true;
        _lookAgain = false;
        ObserveAsync().PipeTo(Self, failure: cause => new LookFailed(cause));
    }

    private async Task<Observed> ObserveAsync()
    {
        var measuring = _requests.MeasureAsync(_stopping.Token);
        var describing = _fleet.DescribeAsync(_stopping.Token);
        return new Observed(await measuring.ConfigureAwait(false), await describing.ConfigureAwait(false));
    }

    private void OnObserved(Observed observed)
    {
        _looking = false;
        _waiting = observed.Queue.Waiting;
        _inFlight = observed.Queue.InFlight;
        _instances = observed.Fleet;

        var news = _ledger.Reconcile(observed.Fleet, Now);
        if (news.AnyCameUp) _backoff.Reset();
        // Instances that fail together have one cause, so they make one pause.
        if (news.Failed is [var only])
            OnLaunchFailure($"Instance {only} never came up");
        else if (news.Failed.Count > 0)
            OnLaunchFailure($"{news.Failed.Count} instances never came up");

        Decide();
        LookLater();
    }

    private void OnLookFailed(LookFailed failed)
    {
        _looking = false;
        _log.Warning("The scaler sees nothing: {Cause}", failed.Cause.Message);
        LookLater();
    }

    private void LookLater()
    {
        if (_lookAgain)
        {
            Look();
            return;
        }

        var busy = _waiting + _inFlight + _ledger.Unseen > 0
            || _instances.Any(instance => instance.State != InstanceState.Ended);
        Timers.StartSingleTimer(nameof(Tick), Tick.Instance, busy ? _settings.Interval : _settings.IdleInterval);
    }

    private void Decide()
    {
        var snapshot = new ScalingSnapshot(_waiting, _inFlight, Count());
        var decision = _policy.Decide(snapshot);
        var missing = decision.Wanted - snapshot.Fleet.Usable;
        var room = _settings.MaxInstances - snapshot.Fleet.Alive;

        if (decision.Wanted <= 0)
            Record(snapshot, decision, DecisionOutcome.Idle, null, 0, decision.Reason);
        else if (missing <= 0)
            Record(snapshot, decision, DecisionOutcome.Enough, null, 0,
                $"{decision.Reason} {Instances(snapshot.Fleet.Usable)} there or coming, that is enough.");
        else if (WhatHolds(room) is { } hold)
            Record(snapshot, decision, DecisionOutcome.Held, hold, 0, $"{decision.Reason} {Describe(hold)}");
        else
            Launch(snapshot, decision, Math.Min(missing, room));
    }

    private HoldCause? WhatHolds(int room) =>
        _stopped ? HoldCause.Stopping
        : Now < _settledAt ? HoldCause.Settling
        : Now < _launchAgainAt ? HoldCause.FailedLaunch
        : room <= 0 ? HoldCause.Cap
        : null;

    private string Describe(HoldCause hold) => hold switch
    {
        HoldCause.Stopping => "The web tier stops, so nothing is launched.",
        HoldCause.Settling => "Just started: instances of an earlier run may still show, so nothing is launched yet.",
        HoldCause.FailedLaunch => string.Create(CultureInfo.InvariantCulture,
            $"{_lastFailure}; the next launch is tried in {(_launchAgainAt - Now).TotalSeconds:0.#} s."),
        _ => $"The cap of {_settings.MaxInstances} is reached, draining instances included.",
    };

    private void Launch(ScalingSnapshot snapshot, ScalingDecision decision, int count)
    {
        _launching = true;
        // A launch whose answer was lost may have happened; asked again by its name, it does not happen twice.
        var clientToken = _unanswered is { } before && before.Count == count
            ? before.ClientToken
            : Guid.NewGuid().ToString("N");
        _unanswered = null;
        _fleet.LaunchAsync(count, clientToken, _stopping.Token).PipeTo(
            Self,
            success: outcome => new LaunchFinished(snapshot, decision, count, outcome),
            failure: cause => new LaunchUnanswered(snapshot, decision, new UnansweredLaunch(clientToken, count), cause));
    }

    private void OnLaunchFinished(LaunchFinished finished)
    {
        _launching = false;
        var launched = finished.Outcome.Launched.Count;
        _ledger.Launched(finished.Outcome.Launched, Now);
        if (finished.Outcome.Shortfall is { } shortfall)
            OnLaunchFailure($"{launched} of {finished.Asked} instances could be launched: {shortfall}");

        Record(finished.Seen, finished.Decision,
            launched > 0 ? DecisionOutcome.Launched : DecisionOutcome.Held,
            launched > 0 ? null : HoldCause.FailedLaunch, launched,
            finished.Outcome.Shortfall is null
                ? $"{finished.Decision.Reason} {Instances(finished.Seen.Fleet.Usable)} there or coming, {launched} launched."
                : $"{finished.Decision.Reason} {_lastFailure}.");
        Look();
    }

    /// <summary>The cause is for the log; decisions are read by clients.</summary>
    private void OnLaunchUnanswered(LaunchUnanswered unanswered)
    {
        _launching = false;
        _unanswered = unanswered.Launch;
        _log.Warning("The fleet does not answer: {Cause}", unanswered.Cause.Message);
        OnLaunchFailure($"{Instances(unanswered.Launch.Count)} wanted, and the fleet does not answer");
        Record(unanswered.Seen, unanswered.Decision, DecisionOutcome.Held, HoldCause.FailedLaunch, 0,
            $"{unanswered.Decision.Reason} {_lastFailure}.");
        Look();
    }

    private void OnLaunchFailure(string failure)
    {
        var pause = _backoff.Next();
        _launchAgainAt = Now + pause;
        _lastFailure = failure;
        _log.Warning("{Failure}; launching pauses for {Pause:0.#} s", failure, pause.TotalSeconds);
    }

    private FleetCount Count()
    {
        int In(InstanceState state) => _instances.Count(instance => instance.State == state);
        return new FleetCount(
            Pending: In(InstanceState.Pending) + _ledger.Unseen,
            Running: In(InstanceState.Running),
            Draining: In(InstanceState.Draining));
    }

    private void Record(
        ScalingSnapshot seen, ScalingDecision decision, DecisionOutcome outcome, HoldCause? hold, int launched,
        string reason)
    {
        var isNews = _decisions.Add(new DecisionRecord(Now, Now, outcome, hold, seen, decision.Wanted, launched, reason));
        if (isNews)
            _log.Info("Scaling: {Waiting} waiting, {InFlight} in flight, {Usable} usable, {Wanted} wanted, {Launched}"
                + " launched: {Reason}", seen.Waiting, seen.InFlight, seen.Fleet.Usable, decision.Wanted, launched, reason);
    }

    private static string Instances(int count) => count == 1 ? "1 instance is" : $"{count} instances are";

    private sealed record Observed(QueueMeasure Queue, IReadOnlyList<FleetInstance> Fleet);

    private sealed record LookFailed(Exception Cause);

    private sealed record LaunchFinished(
        ScalingSnapshot Seen, ScalingDecision Decision, int Asked, LaunchOutcome Outcome);

    private sealed record LaunchUnanswered(
        ScalingSnapshot Seen, ScalingDecision Decision, UnansweredLaunch Launch, Exception Cause);

    /// <summary>A launch that failed without an answer.</summary>
    private sealed record UnansweredLaunch(string ClientToken, int Count);

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}
