using System.Collections.Frozen;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Repeats;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.LiveJobsProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>
/// One live batch. It loads from the store, adds results as they arrive, and serves events to readers. A reader asks
/// for the events after its position, so a slow reader delays no other and needs no buffer. Readers that
/// wait are answered at most once in each <see cref="ResultSettings.Pace"/>. An unused batch leaves memory.
/// </summary>
public sealed class BatchActor : ReceiveActor, IWithTimers, IWithUnboundedStash
{
    // A batch that takes longer than most may have missed a result. It then looks into the store at this interval.
    private static readonly TimeSpan CatchUpAfter = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan CatchUpInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan UseReportInterval = TimeSpan.FromSeconds(1);

    // S3 gives times in whole seconds.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    private readonly BatchId _batch;
    private readonly IActorRef _liveJobs;
    private readonly IActorRef _callbacks;
    private readonly IActorRef _repeats;
    private readonly object _passivation;
    private readonly StoredBatch _stored;
    private readonly ResultSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<long, Reader> _readers = [];
    private long _lastReader;
    private DateTimeOffset _usedAt;

    /// <summary>When readers were answered last, by the monotonic clock.</summary>
    private TimeSpan? _answeredAt;

    private bool _isCatchingUp;
    private bool _isStopping;
    private int _reportedSize;
    private BatchState _state = null!;

    /// <summary>Creates the actor.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="store">The store.</param>
    /// <param name="liveJobs">The <see cref="LiveJobsActor"/> of this process.</param>
    /// <param name="callbacks">The <see cref="CallbackActor"/>.</param>
    /// <param name="repeats">The <see cref="RepeatsActor"/> of this process.</param>
    /// <param name="passivation">The message that asks the parent to let this actor leave memory. The parent answers
    /// <see cref="BatchesProtocol.Leave"/> once it sends no more commands.</param>
    /// <param name="settings">How results reach clients.</param>
    public BatchActor(
        BatchId batch, IObjectStore store, IActorRef liveJobs, IActorRef callbacks, IActorRef repeats,
        object passivation, ResultSettings settings)
    {
        _batch = batch;
        _liveJobs = liveJobs;
        _callbacks = callbacks;
        _repeats = repeats;
        _passivation = passivation;
        _stored = new StoredBatch(store, batch, new SchedulerTimeProvider(Context.System));
        _settings = settings;
        Entering();
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    public IStash Stash { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => _liveJobs.Tell(new RequestRoom(Size: 1));

    /// <inheritdoc />
    protected override void PostStop()
    {
        EndReaders(new EventPage([], Finished: false));
        _stopping.Cancel();
        _stopping.Dispose();
    }

    /// <summary>A batch that is not there costs memory as well, so even the manifest is read only when there is
    /// room.</summary>
    private void Entering()
    {
        Receive<RoomGranted>(_ =>
        {
            Become(Loading);
            _stored.ReadManifestAsync(_stopping.Token).PipeTo(
                Self, success: read => new ManifestRead(read), failure: cause => new LoadFailed(cause));
        });
        Receive<RoomRefused>(_ => BecomeFinal(Unavailable));
        WaitForState();
    }

    private void Loading()
    {
        Receive<ManifestRead>(OnManifestRead);
        Receive<LoadFailed>(OnLoadFailed);
        WaitForState();
    }

    /// <summary>Keeps commands until the batch is loaded. A batch that must leave before that answers them
    /// first.</summary>
    private void WaitForState()
    {
        Receive<IBatchCommand>(_ => Stash.Stash());
        Receive<BatchesProtocol.Leave>(leave =>
        {
            Become(Unavailable);
            Stash.UnstashAll();
            Self.Forward(leave);
        });
    }

    /// <summary>Requests room for the results, which are what costs memory. They are read only when there is
    /// room.</summary>
    private void OnManifestRead(ManifestRead read)
    {
        switch (read.Manifest)
        {
            case DocumentRead<BatchManifest>.Found { Document: var manifest }:
                Become(() => LoadingResults(manifest));
                _reportedSize = manifest.Jobs.Count;
                _liveJobs.Tell(new RequestRoom(_reportedSize));
                break;
            case DocumentRead<BatchManifest>.Damaged damaged:
                _log.Error(
                    "The manifest {Key} is damaged, so its batch cannot be read: {Why}", damaged.Key, damaged.Why);
                BecomeFinal(Damaged);
                break;
            default:
                BecomeFinal(Missing);
                break;
        }
    }

    private void LoadingResults(BatchManifest manifest)
    {
        Receive<RoomGranted>(_ =>
            _stored.ReadResultsAsync(manifest, FrozenSet<string>.Empty, _stopping.Token).PipeTo(
                Self, success: results => new Loaded(results), failure: cause => new LoadFailed(cause)));
        Receive<RoomRefused>(_ => BecomeFinal(Unavailable));
        Receive<Loaded>(loaded => OnLoaded(manifest, loaded.Results));
        Receive<LoadFailed>(OnLoadFailed);
        WaitForState();
    }

    private void OnLoadFailed(LoadFailed failed)
    {
        _log.Warning("Batch {Batch} cannot be read: {Cause}", _batch, failed.Cause.Message);
        BecomeFinal(Unavailable);
    }

    private void OnLoaded(BatchManifest manifest, IReadOnlyCollection<JobResult> results)
    {
        _state = new BatchState(manifest, results);
        foreach (var result in results) LogIfDamaged(result);
        ReportSize();
        Become(Live);
        Stash.UnstashAll();
        SetReceiveTimeout(_settings.PassivateAfter);
        Timers.StartPeriodicTimer(nameof(CatchUpDue), CatchUpDue.Instance, CatchUpInterval);
        if (_state.Finished) Close();
        else if (DeliversEachJob) StoreCallbacks(_stored.StoreCallbacksAsync, _state.FinishedJobs);
        if (!_state.Finished && manifest.Deadline is { } deadline)
            ScheduleDeadline(deadline - Context.System.Scheduler.Now);
    }

    private void Live()
    {
        // A stop writes results. A batch that is deleted or leaves meanwhile would leave them behind or unfinished.
        Receive<CancelWaiting>(_ => Stash.Stash(), _ => _isStopping);
        Receive<DeleteBatch>(_ => Stash.Stash(), _ => _isStopping);
        Receive<BatchesProtocol.Leave>(_ => Stash.Stash(), _ => _isStopping);
        Receive<TakeResults>(take =>
        {
            MarkUsed();
            Add(take.Results);
            Sender.Tell(new ResultsTaken(_state.SubmittedAt));
        });
        Receive<GetBatch>(get =>
        {
            MarkUsed();
            Sender.Tell(_state.View(get.From));
        });
        Receive<ReadEvents>(OnReadEvents);
        Receive<ReadTimedOut>(timedOut => Answer(timedOut.Reader));
        Receive<AnswersDue>(_ => AnswerReaders());
        Receive<DeleteBatch>(_ => Delete());
        Receive<CancelWaiting>(_ => BeginStop(_stored.CancelAsync, Sender));
        Receive<EndDueJobs>(_ => EndDue());
        Receive<DeadlineDue>(_ => EndDue());
        Receive<StopEnded>(OnStopEnded);
        Receive<CatchUp>(_ => OnCatchUp());
        Receive<CatchUpDue>(_ =>
        {
            var age = Context.System.Scheduler.Now - _state.SubmittedAt;
            // If the web node that copies results is killed, no message brings them to this batch later.
            var isLate = age >= (_state.AwaitsRepeats ? CatchUpInterval : CatchUpAfter);
            if (!_state.Finished && isLate) OnCatchUp();
        });
        Receive<CaughtUp>(OnCaughtUp);
        Receive<Closed>(closed =>
        {
            RequestDeliveries();
            if (closed.IsFirst) RememberPictures();
        });
        Receive<CloseFailed>(failed =>
            _log.Warning("Batch {Batch} is finished, but its marker could not be removed; a sweep does it: {Cause}",
                _batch, failed.Cause.Message));
        Receive<CallbacksStored>(_ => RequestDeliveries());
        Receive<CallbacksFailed>(failed =>
            _log.Warning("Callbacks of batch {Batch} could not be stored; they are when it is finished: {Cause}",
                _batch, failed.Cause.Message));
        Receive<ReceiveTimeout>(_ => LeaveIfIdle());
        Receive<MakeRoom>(_ => LeaveIfIdle());
        Receive<BatchesProtocol.Leave>(_ => Context.Stop(Self));
    }

    /// <summary>Schedules the deadline. The clock of this web node may be wrong, so the store's clock decides then.</summary>
    private void ScheduleDeadline(TimeSpan left)
    {
        var pause = left > ShortestPause ? left : ShortestPause;
        Timers.StartSingleTimer(nameof(DeadlineDue), DeadlineDue.Instance, pause);
    }

    private void EndDue()
    {
        if (!_isStopping) BeginStop(_stored.EndDueAsync, canceller: null);
    }

    private void BeginStop(Func<BatchManifest, CancellationToken, Task<StopOutcome>> stop, IActorRef? canceller)
    {
        _isStopping = true;
        stop(_state.Manifest, _stopping.Token).PipeTo(
            Self,
            success: outcome => new StopEnded(outcome, canceller, null),
            failure: cause => new StopEnded(StopOutcome.NothingWaits, canceller, cause));
    }

    private void OnStopEnded(StopEnded ended)
    {
        _isStopping = false;
        if (ended.Cause is { } cause)
        {
            _log.Warning("The waiting jobs of batch {Batch} could not be ended; the next sweep tries again: {Cause}",
                _batch, cause.Message);
            ended.Canceller?.Tell(new BatchUnavailable(_batch));
        }
        else
        {
            if (ended.Outcome.Results.Count > 0)
                _log.Info("{Count} waiting jobs of batch {Batch} have ended", ended.Outcome.Results.Count, _batch);
            Add(ended.Outcome.Results);
            if (ended.Outcome.DueIn is { } left) ScheduleDeadline(left);
            // Other jobs may have a result in the store whose message has not arrived yet.
            else if (!_state.Finished) OnCatchUp();
            ended.Canceller?.Tell(new WaitingCancelled(_batch, _state.CancelledJobs));
        }

        Stash.UnstashAll();
    }

    private void OnCatchUp()
    {
        if (_isCatchingUp) return;
        _isCatchingUp = true;
        _stored.ReadResultsAsync(_state.Manifest, _state.FinalResults, _stopping.Token).PipeTo(
            Self, success: results => new CaughtUp(results, null), failure: cause => new CaughtUp([], cause));
    }

    private void OnCaughtUp(CaughtUp caught)
    {
        _isCatchingUp = false;
        if (caught.Cause is { } cause)
            _log.Warning("Batch {Batch} could not read missed results; the next sweep tries again: {Cause}",
                _batch, cause.Message);
        foreach (var result in Add(caught.Results)) LogIfDamaged(result);
    }

    /// <summary>Adds results, and returns those that were new.</summary>
    private List<JobResult> Add(IEnumerable<JobResult> results)
    {
        var added = results.Where(_state.Take).ToList();
        if (added.Count == 0) return added;
        // The end of the batch stores what this misses, so the results need not wait for it.
        if (DeliversEachJob)
        {
            var jobs = added.Select(result => result.Job).Distinct().Select(_state.FinishedJobOf);
            StoreCallbacks(_stored.StoreNewCallbacksAsync, [.. jobs]);
        }

        OnNewEvents();
        return added;
    }

    private bool DeliversEachJob => _state.Manifest.Callback is { Events: CallbackEvents.Job };

    private void StoreCallbacks(
        Func<BatchManifest, IReadOnlyCollection<FinishedJob>, CancellationToken, Task> store,
        IReadOnlyCollection<FinishedJob> jobs)
    {
        if (jobs.Count == 0) return;
        store(_state.Manifest, jobs, _stopping.Token).PipeTo(
            Self, success: () => CallbacksStored.Instance, failure: cause => new CallbacksFailed(cause));
    }

    private void RememberPictures()
    {
        if (_state.Repeatable is { Count: > 0 } batches) _repeats.Tell(new RepeatsProtocol.Remember(batches));
    }

    private void RequestDeliveries()
    {
        if (_state.Manifest.Callback is not null) _callbacks.Tell(CallbackProtocol.MakeDeliveries.Instance);
    }

    private void LogIfDamaged(JobResult result)
    {
        if (result.Error is { Code: JobErrorCodes.ResultDamaged })
        {
            _log.Error(
                "The result {Key} is damaged, so its job counts as failed", ObjectKeys.Result(_batch, result.Job));
        }
    }

    private void ReportSize()
    {
        if (_state.Size <= _reportedSize) return;
        _reportedSize = _state.Size;
        _liveJobs.Tell(new Grown(_reportedSize));
    }

    /// <summary>Tells when the batch was used, but not for every command: that would double the messages.</summary>
    private void MarkUsed()
    {
        var now = Context.System.Scheduler.Now;
        if (now - _usedAt < UseReportInterval) return;
        _usedAt = now;
        _liveJobs.Tell(Used.Instance);
    }

    private void LeaveIfIdle()
    {
        if (_readers.Count == 0) Passivate();
    }

    private void Passivate()
    {
        _liveJobs.Tell(Leaving.Instance);
        Context.Parent.Tell(_passivation);
    }

    private void OnReadEvents(ReadEvents read)
    {
        MarkUsed();
        var page = _state.PageAfter(read.After);
        if (read.Wait <= TimeSpan.Zero || page is { Finished: true, Events.Count: 0 })
        {
            Sender.Tell(page);
            return;
        }

        var id = ++_lastReader;
        _readers.Add(id, new Reader(Sender, read.After));
        Timers.StartSingleTimer(id, new ReadTimedOut(id), read.Wait);
        if (page.Events.Count > 0) AnswerReaders();
    }

    private void OnNewEvents()
    {
        if (_readers.Count > 0) AnswerReaders();
        ReportSize();
        if (_state.Finished) Close();
    }

    /// <summary>Answers the readers for which there are events: now, or when the pace allows it.</summary>
    private void AnswerReaders()
    {
        var now = Context.System.Scheduler.MonotonicClock;
        if (_answeredAt + ResultSettings.Pace - now is { Ticks: > 0 } pause)
        {
            if (!Timers.IsTimerActive(nameof(AnswersDue)))
                Timers.StartSingleTimer(nameof(AnswersDue), AnswersDue.Instance, pause);
            return;
        }

        _answeredAt = now;
        foreach (var (id, reader) in _readers.ToList())
        {
            if (_state.HasEventsAfter(reader.After)) Answer(id);
        }
    }

    private void Answer(long id)
    {
        if (!_readers.Remove(id, out var reader)) return;
        reader.Asker.Tell(_state.PageAfter(reader.After));
        Timers.Cancel(id);
    }

    private void Close()
    {
        var jobs = _state.Manifest.Callback is null ? [] : _state.FinishedJobs;
        _stored.CloseAsync(_state.Manifest, jobs, _stopping.Token).PipeTo(
            Self, success: isFirst => new Closed(isFirst), failure: cause => new CloseFailed(cause));
    }

    private void Delete()
    {
        Become(Deleting);
        _stored.DeleteAsync(_stopping.Token).PipeTo(
            Self, Sender, success: () => new DeletionFinished(null), failure: cause => new DeletionFinished(cause));
    }

    private void Deleting()
    {
        Receive<DeletionFinished>(finished =>
        {
            if (finished.Cause is { } cause)
            {
                _log.Warning("Batch {Batch} could not be deleted: {Cause}", _batch, cause.Message);
                Sender.Tell(new BatchUnavailable(_batch));
                // The batch may be whole or partly deleted: a client that asks again finds out.
                EndReaders(new EventPage([], Finished: false));
                BecomeFinal(Unavailable);
                return;
            }

            Sender.Tell(new BatchDeleted(_batch));
            EndReaders(new NoSuchBatch(_batch));
            BecomeFinal(Missing);
        });
        Receive<IBatchCommand>(_ => Stash.Stash());
        Receive<BatchesProtocol.Leave>(_ => Stash.Stash());
    }

    private void EndReaders(IBatchAnswer answer)
    {
        foreach (var (id, reader) in _readers)
        {
            Timers.Cancel(id);
            reader.Asker.Tell(answer);
        }

        _readers.Clear();
    }

    /// <summary>Answers stashed and further commands until the parent has let go of this actor.</summary>
    private void BecomeFinal(Action final)
    {
        Become(final);
        Stash.UnstashAll();
        Passivate();
    }

    private void Missing()
    {
        Receive<TakeResults>(take =>
        {
            // The batch was deleted while its jobs were being classified, so what was stored since is deleted too.
            _stored.DeleteLateAsync(take.Results.Select(result => result.Job), CancellationToken.None).PipeTo(
                Sender,
                success: () => new ResultsTaken(SubmittedAt: null),
                failure: _ => new BatchUnavailable(take.Batch));
        });
        Receive<DeleteBatch>(_ =>
            _stored.DeleteRestAsync(CancellationToken.None).PipeTo(
                Sender,
                success: () => new NoSuchBatch(_batch),
                failure: _ => new BatchUnavailable(_batch)));
        Receive<IBatchCommand>(_ => Sender.Tell(new NoSuchBatch(_batch)));
        Receive<BatchesProtocol.Leave>(_ => Context.Stop(Self));
    }

    /// <summary>A batch whose manifest is damaged can only be deleted.</summary>
    private void Damaged()
    {
        // The results are in the store, and no client can follow a damaged batch.
        Receive<TakeResults>(_ => Sender.Tell(new ResultsTaken(SubmittedAt: null)));
        Receive<DeleteBatch>(_ => Delete());
        Receive<IBatchCommand>(_ => Sender.Tell(new BatchDamaged(_batch)));
        Receive<BatchesProtocol.Leave>(_ => Context.Stop(Self));
    }

    private void Unavailable()
    {
        Receive<IBatchCommand>(_ => Sender.Tell(new BatchUnavailable(_batch)));
        Receive<BatchesProtocol.Leave>(_ => Context.Stop(Self));
    }

    private sealed record Reader(IActorRef Asker, EventId? After);

    private sealed record ManifestRead(DocumentRead<BatchManifest> Manifest);

    private sealed record Loaded(IReadOnlyCollection<JobResult> Results);

    private sealed record LoadFailed(Exception Cause);

    private sealed record CaughtUp(IReadOnlyCollection<JobResult> Results, Exception? Cause)
        : INotInfluenceReceiveTimeout;

    private sealed record CatchUpDue : INotInfluenceReceiveTimeout
    {
        public static CatchUpDue Instance { get; } = new();
    }

    private sealed record AnswersDue : INotInfluenceReceiveTimeout
    {
        public static AnswersDue Instance { get; } = new();
    }

    private sealed record DeadlineDue : INotInfluenceReceiveTimeout
    {
        public static DeadlineDue Instance { get; } = new();
    }

    private sealed record StopEnded(StopOutcome Outcome, IActorRef? Canceller, Exception? Cause)
        : INotInfluenceReceiveTimeout;

    /// <param name="IsFirst">False if the batch is not finished in the store, or was closed before.</param>
    private sealed record Closed(bool IsFirst) : INotInfluenceReceiveTimeout;

    private sealed record CloseFailed(Exception Cause);

    private sealed record CallbacksStored : INotInfluenceReceiveTimeout
    {
        public static CallbacksStored Instance { get; } = new();
    }

    private sealed record CallbacksFailed(Exception Cause) : INotInfluenceReceiveTimeout;

    private sealed record DeletionFinished(Exception? Cause);

    private sealed record ReadTimedOut(long Reader);
}
