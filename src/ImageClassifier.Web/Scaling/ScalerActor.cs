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
/// nodes end themselves. It notes each launch before it makes it, so a later scaler needs no wait: see
/// <see cref="LaunchNotes"/>.
/// </summary>
public sealed class ScalerActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IInstanceFleet _fleet;
    private readonly NodeRecordReader _records;
    private readonly LaunchNotes _notes;
    private readonly FleetPlanner _planner;
    // An observation waits this long for the store. If the answer comes later, the next observation uses it.
    private static readonly TimeSpan StoreWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(30);

    // Calls to a queue and a fleet are answered sooner. A node whose process is paused longer is removed from the tier.
    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(20);

    // Uploads send their jobs ten at a time. One observation sees them all, and each one is a call to the queue.
    private static readonly TimeSpan WorkSpacing = TimeSpan.FromMilliseconds(100);

    // With several web nodes, the logs show which of them scales.
    private const string Begins = "This web node scales the fleet";
    private const string Ends = "This web node scales the fleet no more";

    private readonly TimeSpan _recordsInterval;
    private readonly TimeSpan _launchTimeout;
    private readonly ModelTally _models = new();
    private readonly TimeProvider _time = new SchedulerTimeProvider(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    private NumberedLaunch? _unanswered;
    private DateTimeOffset? _recordsReadAt;
    private DateTimeOffset? _workObservedAt;
    private Task<StoreRead<StoredNodeRecord>>? _readingRecords;
    private Task<StoreRead<StoredLaunch>>? _readingNotes;
    private HashSet<InstanceId> _endedInstances = [];
    private bool _isObserving;
    private bool _observeAgain;
    private bool _isLaunching;

    // A failure can last for an hour, so the log names it once, when it begins.
    private bool _observationFails;
    private bool _recordsFail;
    private bool _notesFail;

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
        _notes = new LaunchNotes(store, settings);
        _planner = new FleetPlanner(policy, settings);
        _recordsInterval = settings.RecordsInterval;
        _launchTimeout = settings.LaunchTimeout;

        Receive<ObservationDue>(_ => Observe());
        Receive<WorkSent>(sent =>
        {
            _planner.WorkSent(sent.Jobs, Now);
            ObserveWork();
        });
        Receive<WorkDue>(_ => ObserveWork());
        Receive<JobsDone>(done =>
        {
            for (var job = 0; job < done.Jobs; job++)
                _planner.JobDone(done.Instance, Now, wasBegun: job >= done.NotBegun);
            _models.Add(done, Now);
        });
        Receive<NotesRead>(OnNotesRead);
        Receive<Observed>(OnObserved);
        Receive<ObservationFailed>(OnObservationFailed);
        Receive<LaunchNoted>(OnLaunchNoted);
        Receive<NoteFailed>(OnNoteFailed);
        Receive<LaunchFinished>(OnLaunchFinished);
        Receive<LaunchUnanswered>(OnLaunchUnanswered);
        Receive<CleanedUp>(_ => { });
        Receive<GetFleet>(_ => Sender.Tell(_planner.Status with { Models = _models.Latest }));
        Receive<StopLaunching>(_ => _planner.StopLaunching());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <summary>The launch without an answer that can still be repeated.</summary>
    private NumberedLaunch? Unanswered =>
        _unanswered is { } launch && Now - launch.At < _launchTimeout ? launch : null;

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
        // Its repeat takes no new number. So the scaler must see first whether another one has launched instead.
        if (Unanswered is not null) _notes.Forget();
        if (_notes.AreKnown(Now)) ObserveFleet();
        else ReadNotes();
    }

    /// <summary>Observes at once, unless sent work was observed a moment ago.</summary>
    private void ObserveWork()
    {
        if (_isObserving || _isLaunching)
        {
            _observeAgain = true;
        }
        // The pause is longer only after the clock was set back.
        else if (_workObservedAt + WorkSpacing - Now is { } pause && pause > TimeSpan.Zero && pause <= WorkSpacing)
        {
            Timers.StartSingleTimer(nameof(WorkDue), WorkDue.Instance, pause);
        }
        else
        {
            _workObservedAt = Now;
            Observe();
        }
    }

    private void ReadNotes()
    {
        var now = Now;
        _readingNotes ??= ReadAsync(cancellation => _notes.ReadAsync(now, cancellation));
        WaitAsync(_readingNotes, _stopping.Token).PipeTo(
            Self, success: read => new NotesRead(read), failure: cause => new ObservationFailed(cause));
    }

    private void OnNotesRead(NotesRead notes)
    {
        if (notes.Read is { } read)
        {
            _readingNotes = null;
            if (read.Found is { } found) _notes.Take(found, Now);
            if (read.Failure is { } failure && !_notesFail)
            {
                _log.Warning(
                    "The notes of launches cannot be read. Nothing is launched until they can: {Cause}", failure.Message);
            }

            if (read.Failure is null && _notesFail) _log.Info("The notes of launches can be read again");
            _notesFail = read.Failure is not null;
        }

        ObserveFleet();
    }

    private void ObserveFleet()
    {
        var recordsDue = _recordsReadAt is not { } readAt
            || (_planner.HasInstances && Now - readAt >= _recordsInterval);
        if (recordsDue) _readingRecords ??= ReadAsync(_records.ReadAsync);
        ObserveAsync(Now, _readingRecords, _notes.Earlier(Now)).PipeTo(
            Self, failure: cause => new ObservationFailed(cause));
    }

    private async Task<Observed> ObserveAsync(
        DateTimeOffset startedAt,
        Task<StoreRead<StoredNodeRecord>>? reading,
        IReadOnlyList<EarlierLaunch>? earlier)
    {
        var cancellation = _stopping.Token;
        var measuring = _requests.MeasureAsync(cancellation);
        var describing = _fleet.DescribeAsync(cancellation);
        var read = reading is null ? null : await WaitAsync(reading, cancellation).ConfigureAwait(false);
        return new Observed(
            new Observation(
                await measuring.ConfigureAwait(false),
                await describing.ConfigureAwait(false),
                read?.Found,
                earlier is null ? null : await FindAsync(earlier, cancellation).ConfigureAwait(false)),
            read,
            startedAt);
    }

    private async Task<IReadOnlyList<EarlierLaunch>> FindAsync(
        IReadOnlyList<EarlierLaunch> launches, CancellationToken cancellation) =>
        await Task.WhenAll(launches.Select(async launch => launch with
        {
            Found = await _fleet.FindLaunchedAsync(launch.ClientToken, cancellation).ConfigureAwait(false),
        })).ConfigureAwait(false);

    /// <summary>What was read; null if the read still takes. A slow or unavailable store must not delay an
    /// observation.</summary>
    private async Task<StoreRead<T>?> WaitAsync<T>(Task<StoreRead<T>> reading, CancellationToken cancellation)
    {
        if (reading.IsCompleted) return await reading.ConfigureAwait(false);
        using var waitEnded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var timeout = Task.Delay(StoreWait, _time, waitEnded.Token);
        var first = await Task.WhenAny(reading, timeout).ConfigureAwait(false);
        await waitEnded.CancelAsync().ConfigureAwait(false);
        return first == reading ? await reading.ConfigureAwait(false) : null;
    }

    private async Task<StoreRead<T>> ReadAsync<T>(Func<CancellationToken, Task<IReadOnlyList<T>>> read)
    {
        try
        {
            return new StoreRead<T>(await WithinAsync(ReadTimeout, read).ConfigureAwait(false), null);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            return new StoreRead<T>(null, failure);
        }
    }

    private async Task<T> WithinAsync<T>(TimeSpan time, Func<CancellationToken, Task<T>> call)
    {
        using var limit = new CancellationTokenSource(time, _time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        return await call(end.Token).ConfigureAwait(false);
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

    private void OnRecordsRead(StoreRead<StoredNodeRecord> read)
    {
        _readingRecords = null;
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
        if (_readingRecords is { IsFaulted: true }) _readingRecords = null;
        if (_readingNotes is { IsFaulted: true }) _readingNotes = null;
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
            ObserveWork();
        else
            Timers.StartSingleTimer(nameof(ObservationDue), ObservationDue.Instance, _planner.NextObservation);
    }

    private void Launch(ScalingPlan plan)
    {
        _isLaunching = true;
        // A launch without an answer may have happened. Its client token makes a repeat safe, if the count is
        // unchanged. Further instances must wait for the answer: otherwise the fleet could exceed the cap.
        if (Unanswered is { } before)
        {
            CallFleet(plan, before);
            return;
        }

        var launch = _notes.Begin(plan.Launch, Now);
        WithinAsync(StaleAfter, cancellation => _notes.TryAddAsync(launch, cancellation)).PipeTo(
            Self,
            success: isFirst => new LaunchNoted(plan, launch, isFirst),
            failure: cause => new NoteFailed(plan, cause));
    }

    private void OnLaunchNoted(LaunchNoted noted)
    {
        if (!noted.IsFirst)
        {
            _log.Warning("Another scaler has launched instances meanwhile. This one reads the notes of launches again");
            _notes.Refused(noted.Launch);
            GiveUp(noted.Plan, "another web node launches at the same time");
            return;
        }

        _notes.Added(noted.Launch);
        // After a pause of the process, the scaler of another web node no longer waits for this launch.
        if (Now - noted.Launch.At <= StaleAfter)
        {
            CallFleet(noted.Plan, noted.Launch);
            return;
        }

        TidyNotes(noted.Launch, launched: 0);
        GiveUp(noted.Plan, "the store takes too long to note the launch");
    }

    private void OnNoteFailed(NoteFailed failed)
    {
        _log.Warning("A launch cannot be noted, so it is not made: {Cause}", failed.Cause.Message);
        GiveUp(failed.Plan, "the store does not take the note of the launch");
    }

    /// <summary>Makes no launch now. Notes that this scaler does not know may be in the store.</summary>
    private void GiveUp(ScalingPlan plan, string why)
    {
        _isLaunching = false;
        _notes.Forget();
        LogDecision(_planner.LaunchFailed(plan, why, Now));
        Observe();
    }

    private void CallFleet(ScalingPlan plan, NumberedLaunch launch)
    {
        _unanswered = null;
        _fleet.LaunchAsync(launch.Note.Count, launch.Note.ClientToken, _stopping.Token).PipeTo(
            Self,
            success: outcome => new LaunchFinished(plan, launch, outcome),
            failure: cause => new LaunchUnanswered(plan, launch, cause));
    }

    private void OnLaunchFinished(LaunchFinished finished)
    {
        _isLaunching = false;
        TidyNotes(finished.Launch, finished.Outcome.Launched.Count);
        LogDecision(_planner.LaunchAnswered(finished.Plan, finished.Outcome, Now));
        Observe();
    }

    private void OnLaunchUnanswered(LaunchUnanswered unanswered)
    {
        _isLaunching = false;
        _unanswered = unanswered.Launch;
        _log.Warning("The fleet does not answer: {Cause}", unanswered.Cause.Message);
        LogDecision(_planner.LaunchFailed(unanswered.Plan, "the fleet does not answer", Now));
        Observe();
    }

    private void TidyNotes(NumberedLaunch launch, int launched)
    {
        var expired = _notes.RemoveExpired(Now);
        if (launched >= launch.Note.Count && expired.Count == 0) return;
        var (log, cancellation) = (_log, _stopping.Token);
        TidyAsync().PipeTo(Self, success: () => CleanedUp.Instance, failure: cause =>
        {
            log.Warning("Notes of launches could not be corrected or deleted: {Cause}", cause.Message);
            return CleanedUp.Instance;
        });

        async Task TidyAsync()
        {
            if (launched < launch.Note.Count) await _notes.CorrectAsync(launch, launched, cancellation);
            await _notes.DeleteAsync(expired, cancellation);
        }
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

    private sealed record NotesRead(StoreRead<StoredLaunch>? Read);

    private sealed record Observed(
        Observation Observation, StoreRead<StoredNodeRecord>? Records, DateTimeOffset StartedAt);

    private sealed record ObservationFailed(Exception Cause);

    private sealed record LaunchNoted(ScalingPlan Plan, NumberedLaunch Launch, bool IsFirst);

    private sealed record NoteFailed(ScalingPlan Plan, Exception Cause);

    private sealed record LaunchFinished(ScalingPlan Plan, NumberedLaunch Launch, LaunchOutcome Outcome);

    private sealed record LaunchUnanswered(ScalingPlan Plan, NumberedLaunch Launch, Exception Cause);

    /// <summary>What was read from the store, or why it could not be read.</summary>
    private sealed record StoreRead<T>(IReadOnlyList<T>? Found, Exception? Failure);

    private sealed record CleanedUp
    {
        public static CleanedUp Instance { get; } = new();
    }

    private sealed record ObservationDue
    {
        public static ObservationDue Instance { get; } = new();
    }

    private sealed record WorkDue
    {
        public static WorkDue Instance { get; } = new();
    }
}
