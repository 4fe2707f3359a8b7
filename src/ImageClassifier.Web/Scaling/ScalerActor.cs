using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Observes the queue, the fleet and the records of its nodes, and carries out what the <see cref="FleetPlanner"/>
/// plans: it launches missing instances and terminates the ones that failed. It never shrinks the fleet otherwise: idle
/// nodes end themselves.
/// </summary>
public sealed class ScalerActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IInstanceFleet _fleet;
    private readonly NodeRecordReader _records;
    private readonly FleetPlanner _planner;
    // An observation waits this long for the records. If they come later, the next observation uses them.
    private static readonly TimeSpan RecordsWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RecordsTimeout = TimeSpan.FromSeconds(30);

    // Calls to a queue and a fleet are answered sooner. A node whose process is paused longer is removed from the tier.
    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(20);

    // With several web nodes, the logs show which of them scales.
    private const string Begins = "This web node scales the fleet";
    private const string Ends = "This web node scales the fleet no more";

    private readonly TimeSpan _recordsInterval;
    private readonly TimeSpan _launchTimeout;
    private readonly ModelTally _models = new();
    private readonly TimeProvider _time = new SchedulerTimeProvider(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    private UnansweredLaunch? _unanswered;
    private DateTimeOffset? _recordsReadAt;
    private Task<RecordsRead>? _reading;
    private HashSet<InstanceId> _endedInstances = [];
    private bool _isObserving;
    private bool _observeAgain;
    private bool _isLaunching;

    // A failure can last for an hour, so the log names it once, when it begins.
    private bool _observationFails;
    private bool _recordsFail;

    /// <summary>Creates the actor.</summary>
    public ScalerActor(
        IMessageQueue requests,
        IObjectStore store,
        IInstanceFleet fleet,
        ScalingPolicy policy,
        ScalingSettings settings)
    {
        _requests = requests;
        _fleet = fleet;
        _records = new NodeRecordReader(store);
        _planner = new FleetPlanner(policy, settings, Now);
        _recordsInterval = settings.RecordsInterval;
        _launchTimeout = settings.LaunchTimeout;

        Receive<ObservationDue>(_ => Observe());
        Receive<WorkSent>(sent =>
        {
            _planner.WorkSent(sent.Jobs, Now);
            Observe();
        });
        Receive<JobsDone>(done =>
        {
            for (var job = 0; job < done.Jobs; job++) _planner.JobDone(done.Instance, Now);
            _models.Add(done, Now);
        });
        Receive<Observed>(OnObserved);
        Receive<ObservationFailed>(OnObservationFailed);
        Receive<LaunchFinished>(OnLaunchFinished);
        Receive<LaunchUnanswered>(OnLaunchUnanswered);
        Receive<CleanedUp>(_ => { });
        Receive<GetFleet>(_ => Sender.Tell(_planner.Status with { Models = _models.Latest }));
        Receive<StopLaunching>(_ => _planner.StopLaunching());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <inheritdoc />
    protected override void PreStart()
    {
        _log.Info(Begins);
        Observe();
    }

    /// <inheritdoc />
    protected override void PostStop()
    {
        _log.Info(Ends);
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void Observe()
    {
        if (_isObserving || _isLaunching)
        {
            _observeAgain = true;
            return;
        }

        _isObserving = true;
        _observeAgain = false;
        var recordsDue = _recordsReadAt is not { } readAt
            || (_planner.HasInstances && Now - readAt >= _recordsInterval);
        if (recordsDue) _reading ??= ReadRecordsAsync();
        ObserveAsync(Now, _reading).PipeTo(Self, failure: cause => new ObservationFailed(cause));
    }

    private async Task<Observed> ObserveAsync(DateTimeOffset startedAt, Task<RecordsRead>? reading)
    {
        var cancellation = _stopping.Token;
        var measuring = _requests.MeasureAsync(cancellation);
        var describing = _fleet.DescribeAsync(cancellation);
        var read = reading is null ? null : await WaitForRecordsAsync(reading, cancellation).ConfigureAwait(false);
        return new Observed(
            new Observation(
                await measuring.ConfigureAwait(false), await describing.ConfigureAwait(false), read?.Records),
            read,
            startedAt);
    }

    /// <summary>The records; null if they are still being read. A slow or unavailable store must not delay a
    /// launch.</summary>
    private async Task<RecordsRead?> WaitForRecordsAsync(Task<RecordsRead> reading, CancellationToken cancellation)
    {
        if (reading.IsCompleted) return await reading.ConfigureAwait(false);
        using var waitEnded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var timeout = Task.Delay(RecordsWait, _time, waitEnded.Token);
        var first = await Task.WhenAny(reading, timeout).ConfigureAwait(false);
        await waitEnded.CancelAsync().ConfigureAwait(false);
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
        _isObserving = false;
        _observationFails = false;
        if (observed.Records is { } read) OnRecordsRead(read);
        if (Now - observed.StartedAt > StaleAfter)
        {
            // The process was paused meanwhile, and the scaler of another web node may have launched instances.
            Observe();
            return;
        }

        if (HasAnyEnded(observed.Observation.Fleet) && observed.Records is null)
        {
            // The ended node's record may say that it cannot work. Then the next launch must wait.
            _recordsReadAt = null;
            Observe();
            return;
        }

        var plan = _planner.MakePlan(observed.Observation, Now);
        foreach (var warning in plan.Warnings) _log.Warning("{Failure}", warning);
        LogDecision(plan.NewDecision);
        CleanUp(plan);
        if (plan.Launch > 0) Launch(plan);
        ScheduleNextObservation();
    }

    /// <summary>Whether an instance has ended since the last observation.</summary>
    private bool HasAnyEnded(IEnumerable<FleetInstance> fleet)
    {
        var before = _endedInstances;
        _endedInstances =
        [
            .. fleet.Where(instance => instance.State == InstanceState.Ended).Select(instance => instance.Id),
        ];
        return !_endedInstances.IsSubsetOf(before);
    }

    private void OnRecordsRead(RecordsRead read)
    {
        _reading = null;
        if (read.Failure is { } failure)
        {
            _planner.RecordsUnreadable();
            if (!_recordsFail)
                _log.Warning("The records of nodes cannot be read. The scaler tries again: {Cause}", failure.Message);
        }
        else
        {
            _recordsReadAt = Now;
            if (_recordsFail) _log.Info("The records of nodes can be read again");
        }

        _recordsFail = read.Failure is not null;
    }

    private void OnObservationFailed(ObservationFailed failed)
    {
        _isObserving = false;
        // A read that failed with an unknown exception starts again.
        if (_reading is { IsFaulted: true }) _reading = null;
        if (!_observationFails)
        {
            _log.Warning(
                "The scaler cannot see the queue or the fleet, and tries again: {Cause}", failed.Cause.Message);
        }

        _observationFails = true;
        ScheduleNextObservation();
    }

    private void ScheduleNextObservation()
    {
        if (_isLaunching) return;
        if (_observeAgain)
            Observe();
        else
            Timers.StartSingleTimer(nameof(ObservationDue), ObservationDue.Instance, _planner.NextObservation);
    }

    private void Launch(ScalingPlan plan)
    {
        _isLaunching = true;
        // A launch without an answer may have happened. Its client token makes a repeat safe, if the count is
        // unchanged. Further instances must wait for the answer: otherwise the fleet could exceed the cap.
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
        _isLaunching = false;
        LogDecision(_planner.LaunchAnswered(finished.Plan, finished.Outcome, Now));
        Observe();
    }

    private void OnLaunchUnanswered(LaunchUnanswered unanswered)
    {
        _isLaunching = false;
        _unanswered = unanswered.Launch;
        _log.Warning("The fleet does not answer: {Cause}", unanswered.Cause.Message);
        LogDecision(_planner.LaunchUnanswered(unanswered.Plan, Now));
        Observe();
    }

    private void CleanUp(ScalingPlan plan)
    {
        foreach (var (instance, reason) in plan.Terminate)
            _log.Warning("Instance {Instance} is terminated: {Reason}", instance, reason);
        if (plan.Terminate.Count == 0 && plan.StaleRecords.Count == 0) return;
        var log = _log;
        CleanUpAsync(plan).PipeTo(Self, success: () => CleanedUp.Instance, failure: cause =>
        {
            log.Warning("Instances could not be terminated, or records not deleted; the scaler tries again: {Cause}",
                cause.Message);
            return CleanedUp.Instance;
        });
    }

    private async Task CleanUpAsync(ScalingPlan plan)
    {
        if (plan.Terminate.Count > 0)
        {
            await _fleet.TerminateAsync(
                [.. plan.Terminate.Select(termination => termination.Instance)], _stopping.Token);
        }

        if (plan.StaleRecords.Count > 0) await _records.DeleteAsync(plan.StaleRecords, _stopping.Token);
    }

    private void LogDecision(DecisionRecord? decision)
    {
        if (decision is null) return;
        var (seen, fleet) = (decision.Snapshot, decision.Snapshot.Fleet);
        _log.Info("Scaling: {Queue}; {Fleet}; {Wanted} wanted, {Launched} launched: {Reason}",
            $"{seen.Waiting} waiting, {seen.InFlight} in flight",
            $"{fleet.Running} running, {fleet.Pending} booting, {fleet.Draining} draining"
                + (fleet.Silent > 0 ? $", {fleet.Silent} silent" : ""),
            decision.Wanted, decision.Launched, decision.Reason);
    }

    private sealed record Observed(Observation Observation, RecordsRead? Records, DateTimeOffset StartedAt);

    private sealed record RecordsRead(IReadOnlyList<StoredNodeRecord>? Records, Exception? Failure);

    private sealed record ObservationFailed(Exception Cause);

    private sealed record LaunchFinished(ScalingPlan Plan, LaunchOutcome Outcome);

    private sealed record LaunchUnanswered(ScalingPlan Plan, UnansweredLaunch Launch, Exception Cause);

    /// <summary>A launch that the fleet did not answer.</summary>
    private sealed record UnansweredLaunch(string ClientToken, int Count, DateTimeOffset At);

    private sealed record CleanedUp
    {
        public static CleanedUp Instance { get; } = new();
    }

    private sealed record ObservationDue
    {
        public static ObservationDue Instance { get; } = new();
    }
}
