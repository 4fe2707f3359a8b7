using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Grows the fleet and keeps it true: looks at the queue, the fleet and the records of its nodes, launches what the
/// <see cref="FleetPlanner"/> finds missing, and ends the instances that never came up or went silent. It never shrinks the
/// fleet otherwise; nodes end themselves.
/// </summary>
public sealed class ScalerActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IInstanceFleet _fleet;
    private readonly NodeRecords _records;
    private readonly FleetPlanner _planner;
    // A look waits no longer than this for the records, and goes on without them; a next one takes them.
    private static readonly TimeSpan RecordsPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RecordsTimeout = TimeSpan.FromSeconds(30);

    private readonly TimeSpan _recordsInterval;
    private readonly TimeSpan _launchTimeout;
    private readonly TimeProvider _time = new SchedulerTimeProvider(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    private UnansweredLaunch? _unanswered;
    private DateTimeOffset? _recordsReadAt;
    private Task<RecordsRead>? _reading;
    private HashSet<InstanceId> _ended = [];
    private bool _looking;
    private bool _lookAgain;
    private bool _launching;

    // What may go on for an hour is said when it begins.
    private bool _seesNothing;
    private bool _recordsFail;

    /// <summary>Creates the actor.</summary>
    public ScalerActor(
        IMessageQueue requests, IObjectStore store, IInstanceFleet fleet, ScalingPolicy policy, ScalingSettings settings)
    {
        _requests = requests;
        _fleet = fleet;
        _records = new NodeRecords(store);
        _planner = new FleetPlanner(policy, settings, Now);
        _recordsInterval = settings.RecordsInterval;
        _launchTimeout = settings.LaunchTimeout;

        Receive<Tick>(_ => Look());
        Receive<WorkSent>(sent =>
        {
            _planner.WorkSent(sent.Jobs, Now);
            Look();
        });
        Receive<JobDone>(done => _planner.JobDone(done.Instance, Now));
        Receive<Observed>(OnObserved);
        Receive<LookFailed>(OnLookFailed);
        Receive<LaunchFinished>(OnLaunchFinished);
        Receive<LaunchUnanswered>(OnLaunchUnanswered);
        Receive<CleanedUp>(_ => { });
        Receive<GetFleet>(_ => Sender.Tell(_planner.View));
        Receive<StopLaunching>(_ => _planner.StopLaunching());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <inheritdoc />
    protected override void PreStart() => Look();

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
        var recordsDue = _recordsReadAt is not { } readAt
            || (_planner.HasInstances && Now - readAt >= _recordsInterval);
        if (recordsDue) _reading ??= ReadRecordsAsync();
        ObserveAsync(_reading).PipeTo(Self, failure: cause => new LookFailed(cause));
    }

    private async Task<Observed> ObserveAsync(Task<RecordsRead>? reading)
    {
        var cancellation = _stopping.Token;
        var measuring = _requests.MeasureAsync(cancellation);
        var describing = _fleet.DescribeAsync(cancellation);
        var read = reading is null ? null : await InTimeAsync(reading, cancellation).ConfigureAwait(false);
        return new Observed(
            new Observation(
                await measuring.ConfigureAwait(false), await describing.ConfigureAwait(false), read?.Sightings),
            read);
    }

    /// <summary>The records, or null where they are still being read. A store that is away or slow must not keep the fleet
    /// from growing.</summary>
    private async Task<RecordsRead?> InTimeAsync(Task<RecordsRead> reading, CancellationToken cancellation)
    {
        if (reading.IsCompleted) return await reading.ConfigureAwait(false);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var patience = Task.Delay(RecordsPatience, _time, enough.Token);
        var first = await Task.WhenAny(reading, patience).ConfigureAwait(false);
        await enough.CancelAsync().ConfigureAwait(false);
        return first == reading ? await reading.ConfigureAwait(false) : null;
    }

    private async Task<RecordsRead> ReadRecordsAsync()
    {
        using var limit = new CancellationTokenSource(RecordsTimeout, _time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        try
        {
            return new RecordsRead(await _records.ReadAsync(end.Token).ConfigureAwait(false), null);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            return new RecordsRead(null, failure);
        }
    }

    private void OnObserved(Observed observed)
    {
        _looking = false;
        _seesNothing = false;
        if (observed.Records is { } read) OnRecordsRead(read);
        if (HasAnyEnded(observed.Seen.Fleet) && observed.Records is null)
        {
            // Its record may say that it cannot work: then the next launch is to wait.
            _recordsReadAt = null;
            Look();
            return;
        }

        var plan = _planner.Look(observed.Seen, Now);
        foreach (var warning in plan.Warnings) _log.Warning("{Failure}", warning);
        Tell(plan.News);
        End(plan);
        if (plan.Launch > 0) Launch(plan);
        LookLater();
    }

    /// <summary>Whether an instance has ended since the last look.</summary>
    private bool HasAnyEnded(IEnumerable<FleetInstance> fleet)
    {
        var before = _ended;
        _ended = [.. fleet.Where(instance => instance.State == InstanceState.Ended).Select(instance => instance.Id)];
        return !_ended.IsSubsetOf(before);
    }

    private void OnRecordsRead(RecordsRead read)
    {
        _reading = null;
        if (read.Failure is { } failure)
        {
            _planner.RecordsUnreadable();
            if (!_recordsFail)
                _log.Warning("The records of nodes cannot be read, which is tried again: {Cause}", failure.Message);
        }
        else
        {
            _recordsReadAt = Now;
            if (_recordsFail) _log.Info("The records of nodes can be read again");
        }

        _recordsFail = read.Failure is not null;
    }

    private void OnLookFailed(LookFailed failed)
    {
        _looking = false;
        // One that failed as no one expected is made again.
        if (_reading is { IsFaulted: true }) _reading = null;
        if (!_seesNothing) _log.Warning("The scaler sees nothing, and looks again: {Cause}", failed.Cause.Message);
        _seesNothing = true;
        LookLater();
    }

    private void LookLater()
    {
        if (_launching) return;
        if (_lookAgain)
            Look();
        else
            Timers.StartSingleTimer(nameof(Tick), Tick.Instance, _planner.NextLook);
    }

    private void Launch(Plan plan)
    {
        _launching = true;
        // A launch whose answer was lost may have happened and not show yet. Asked for again as it was, by its name, it
        // does not happen twice; what is wanted beyond it follows its answer, or else the cap would not hold.
        var launch = _unanswered is { } before && Now - before.At < _launchTimeout
            ? before
            : new UnansweredLaunch(Guid.NewGuid().ToString("N"), plan.Launch, Now);
        _unanswered = null;
        _fleet.LaunchAsync(launch.Count, launch.ClientToken, _stopping.Token).PipeTo(
            Self,
            success: outcome => new LaunchFinished(plan, outcome),
            failure: cause => new LaunchUnanswered(plan, launch, cause));
    }

    private void OnLaunchFinished(LaunchFinished finished)
    {
        _launching = false;
        Tell(_planner.LaunchAnswered(finished.Plan, finished.Outcome, Now));
        Look();
    }

    private void OnLaunchUnanswered(LaunchUnanswered unanswered)
    {
        _launching = false;
        _unanswered = unanswered.Launch;
        _log.Warning("The fleet does not answer: {Cause}", unanswered.Cause.Message);
        Tell(_planner.LaunchUnanswered(unanswered.Plan, Now));
        Look();
    }

    private void End(Plan plan)
    {
        foreach (var (instance, reason) in plan.End)
            _log.Warning("Instance {Instance} is ended: {Reason}", instance, reason);
        if (plan.End.Count == 0 && plan.Forget.Count == 0) return;
        var log = _log;
        CleanUpAsync(plan).PipeTo(Self, success: () => CleanedUp.Instance, failure: cause =>
        {
            log.Warning("The fleet could not be cleaned up, which is tried again: {Cause}", cause.Message);
            return CleanedUp.Instance;
        });
    }

    private async Task CleanUpAsync(Plan plan)
    {
        if (plan.End.Count > 0)
            await _fleet.TerminateAsync([.. plan.End.Select(ending => ending.Instance)], _stopping.Token);
        if (plan.Forget.Count > 0) await _records.DeleteAsync(plan.Forget, _stopping.Token);
    }

    private void Tell(DecisionRecord? decision)
    {
        if (decision is null) return;
        var (seen, fleet) = (decision.Seen, decision.Seen.Fleet);
        _log.Info("Scaling: {Queue}; {Fleet}; {Wanted} wanted, {Launched} launched: {Reason}",
            $"{seen.Waiting} waiting, {seen.InFlight} in flight",
            $"{fleet.Running} running, {fleet.Pending} booting, {fleet.Draining} draining"
                + (fleet.Silent > 0 ? $", {fleet.Silent} silent" : ""),
            decision.Wanted, decision.Launched, decision.Reason);
    }

    private sealed record Observed(Observation Seen, RecordsRead? Records);

    private sealed record RecordsRead(IReadOnlyList<NodeSighting>? Sightings, Exception? Failure);

    private sealed record LookFailed(Exception Cause);

    private sealed record LaunchFinished(Plan Plan, LaunchOutcome Outcome);

    private sealed record LaunchUnanswered(Plan Plan, UnansweredLaunch Launch, Exception Cause);

    /// <summary>A launch that failed without an answer.</summary>
    private sealed record UnansweredLaunch(string ClientToken, int Count, DateTimeOffset At);

    private sealed record CleanedUp
    {
        public static CleanedUp Instance { get; } = new();
    }

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}
