using System.Collections.Frozen;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Uploads;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>
/// One live batch. It starts from the store, takes results as they come, and serves its events to readers that ask for
/// those after a place, so that a slow reader holds up no one and costs no buffer. It leaves memory when no one asks.
/// </summary>
public sealed class BatchActor : ReceiveActor, IWithTimers, IWithUnboundedStash
{
    private readonly BatchId _batch;
    private readonly StoredBatch _stored;
    private readonly TimeSpan _passivateAfter;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<long, Reader> _readers = [];
    private long _lastReader;
    private bool _isCatchingUp;
    private int _size;
    private BatchState _state = null!;

    /// <summary>Creates the actor.</summary>
    public BatchActor(BatchId batch, IObjectStore store, ResultSettings settings)
    {
        _batch = batch;
        _stored = new StoredBatch(store, batch);
        _passivateAfter = settings.PassivateAfter;
        Loading();
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    public IStash Stash { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => _stored.ReadManifestAsync(_stopping.Token).PipeTo(
        Self, success: read => new ManifestRead(read), failure: cause => new LoadFailed(cause));

    /// <inheritdoc />
    protected override void PostStop()
    {
        EndReaders(new EventPage([], Finished: false));
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void Loading()
    {
        Receive<ManifestRead>(OnManifestRead);
        Receive<LoadFailed>(OnLoadFailed);
        Receive<IBatchCommand>(_ => Stash.Stash());
    }

    /// <summary>The results are what costs memory; they are read only where there is room for them.</summary>
    private void OnManifestRead(ManifestRead read)
    {
        switch (read.Manifest)
        {
            case DocumentRead<BatchManifest>.Found { Document: var manifest }:
                Become(() => LoadingResults(manifest));
                _size = manifest.Jobs.Count;
                Context.Parent.Tell(new BatchesProtocol.WantRoom(_batch, _size));
                break;
            case DocumentRead<BatchManifest>.Damaged damaged:
                _log.Error("The manifest {Key} is damaged, and its batch cannot be read: {Why}", damaged.Key, damaged.Why);
                BecomeEnding(Damaged);
                break;
            default:
                BecomeEnding(Missing);
                break;
        }
    }

    private void LoadingResults(BatchManifest manifest)
    {
        Receive<BatchesProtocol.RoomGranted>(_ =>
            _stored.ReadResultsAsync(manifest, FrozenSet<string>.Empty, _stopping.Token).PipeTo(
                Self, success: results => new Loaded(results), failure: cause => new LoadFailed(cause)));
        Receive<BatchesProtocol.RoomRefused>(_ => BecomeEnding(Unavailable));
        Receive<Loaded>(loaded => OnLoaded(manifest, loaded.Results));
        Receive<LoadFailed>(OnLoadFailed);
        Receive<IBatchCommand>(_ => Stash.Stash());
    }

    private void OnLoadFailed(LoadFailed failed)
    {
        _log.Warning("Batch {Batch} cannot be read: {Cause}", _batch, failed.Cause.Message);
        BecomeEnding(Unavailable);
    }

    private void OnLoaded(BatchManifest manifest, IReadOnlyCollection<JobResult> results)
    {
        _state = new BatchState(manifest, results);
        foreach (var result in results) LogIfDamaged(result);
        ReportSize();
        Become(Live);
        Stash.UnstashAll();
        SetReceiveTimeout(_passivateAfter);
        if (_state.Finished) Close();
    }

    private void Live()
    {
        Receive<TakeResult>(take =>
        {
            if (_state.Take(take.Result)) OnNews();
            Sender.Tell(new ResultTaken(_state.SubmittedAt));
        });
        Receive<GetBatch>(_ => Sender.Tell(_state.View()));
        Receive<ReadEvents>(OnReadEvents);
        Receive<ReaderWaitedEnough>(waited => Answer(waited.Reader));
        Receive<DeleteBatch>(_ => Delete());
        Receive<CatchUp>(_ => OnCatchUp());
        Receive<CaughtUp>(OnCaughtUp);
        Receive<CloseFailed>(failed =>
            _log.Warning("Batch {Batch} is finished, but its marker stays: {Cause}", _batch, failed.Cause.Message));
        Receive<ReceiveTimeout>(_ => LeaveIfIdle());
        Receive<BatchesProtocol.MakeRoom>(_ => LeaveIfIdle());
        Receive<BatchesProtocol.Leave>(_ => Context.Stop(Self));
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
            _log.Warning("Batch {Batch} could not look for results that it missed: {Cause}", _batch, cause.Message);
        var isNews = false;
        foreach (var result in caught.Results.Where(_state.Take))
        {
            isNews = true;
            LogIfDamaged(result);
        }

        if (isNews) OnNews();
    }

    private void LogIfDamaged(JobResult result)
    {
        if (result.Error is { Code: JobErrorCodes.ResultDamaged })
            _log.Error("The result {Key} is damaged; its job counts as failed", ObjectKeys.Result(_batch, result.Job));
    }

    private void ReportSize()
    {
        if (_state.Size <= _size) return;
        _size = _state.Size;
        Context.Parent.Tell(new BatchesProtocol.Grown(_batch, _size));
    }

    private void LeaveIfIdle()
    {
        if (_readers.Count == 0) Context.Parent.Tell(new BatchesProtocol.Passivate(_batch));
    }

    private void OnReadEvents(ReadEvents read)
    {
        var events = _state.EventsAfter(read.After);
        if (events.Count > 0 || _state.Finished || read.Wait <= TimeSpan.Zero)
        {
            Sender.Tell(new EventPage(events, _state.Finished));
            return;
        }

        var id = ++_lastReader;
        _readers.Add(id, new Reader(Sender, read.After));
        Timers.StartSingleTimer(id, new ReaderWaitedEnough(id), read.Wait);
    }

    private void OnNews()
    {
        ReportSize();
        foreach (var id in _readers.Keys.ToList()) Answer(id);
        if (_state.Finished) Close();
    }

    private void Answer(long id)
    {
        if (!_readers.Remove(id, out var reader)) return;
        Timers.Cancel(id);
        reader.Asker.Tell(new EventPage(_state.EventsAfter(reader.After), _state.Finished));
    }

    private void Close() =>
        _stored.CloseAsync(_state.Manifest, _stopping.Token).PipeTo(Self, failure: cause => new CloseFailed(cause));

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
                // It may be whole yet, or half gone: whoever reads asks again.
                EndReaders(new EventPage([], Finished: false));
                BecomeEnding(Unavailable);
                return;
            }

            Sender.Tell(new BatchDeleted(_batch));
            EndReaders(new NoSuchBatch(_batch));
            BecomeEnding(Missing);
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

    /// <summary>Answers what is there and still comes, until the parent has let go of this actor.</summary>
    private void BecomeEnding(Action ending)
    {
        Become(ending);
        Stash.UnstashAll();
        Context.Parent.Tell(new BatchesProtocol.Passivate(_batch));
    }

    private void Missing()
    {
        Receive<TakeResult>(take =>
        {
            // The batch was deleted while the job was under way; what was stored since goes too.
            _stored.DeleteLateAsync(take.Result.Job, CancellationToken.None).PipeTo(
                Sender,
                success: () => new ResultTaken(SubmittedAt: null),
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
        // It is stored, and there is no one to tell.
        Receive<TakeResult>(_ => Sender.Tell(new ResultTaken(SubmittedAt: null)));
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

    private sealed record CaughtUp(IReadOnlyCollection<JobResult> Results, Exception? Cause) : INotInfluenceReceiveTimeout;

    private sealed record CloseFailed(Exception Cause);

    private sealed record DeletionFinished(Exception? Cause);

    private sealed record ReaderWaitedEnough(long Reader);
}
