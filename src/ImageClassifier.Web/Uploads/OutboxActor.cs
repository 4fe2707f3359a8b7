using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Scaling;
using static ImageClassifier.Web.Uploads.OutboxProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Sends the messages of accepted batches to the request queue until the queue has accepted all of them. Calls are as
/// full as possible. The manifests in the store are the outbox: after a restart the actor continues from them, and
/// reads from them what does not fit in memory. A job whose picture has a result already gets no message, but that
/// result.
/// </summary>
public sealed class OutboxActor : ReceiveActor, IWithTimers
{
    private const int FirstAttempt = 1;

    // A message that waits for longer may be of a batch that was cancelled meanwhile. Each look is a call to the store.
    private static readonly TimeSpan LookAfter = TimeSpan.FromSeconds(2);

    // Bounds the memory. Damaged manifests beyond this number are logged at each sweep.
    private const int MaxDamaged = 10_000;

    private readonly IMessageQueue _requests;
    private readonly StoredOutbox _stored;
    private readonly RepeatAnswers _repeats;
    private readonly IActorRef _scaler;
    private readonly OutboxSettings _settings;
    private readonly Backoff _backoff;
    private readonly Backoff _loadBackoff;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Messages to send, in order.</summary>
    private readonly Queue<Envelope> _ready = [];

    /// <summary>Per batch, how many jobs have neither a message that the queue accepted nor a result; 0 until the batch is
    /// marked as sent.</summary>
    private readonly Dictionary<BatchId, int> _unsentCounts = [];

    /// <summary>Batches with messages that are not sent, because a cancel or deadline ended their jobs.</summary>
    private readonly HashSet<BatchId> _stoppedBatches = [];

    /// <summary>Batches to read from the store when there is room.</summary>
    private readonly Queue<BatchId> _deferred = [];
    private readonly HashSet<BatchId> _isDeferred = [];

    /// <summary>Batches with messages that may be in a lost queue.</summary>
    private readonly HashSet<BatchId> _sentToLostQueue = [];

    /// <summary>The identity of the queue's contents; null until it is known, and for a queue that loses
    /// nothing.</summary>
    private string? _queueContents;

    /// <summary>Batches with a damaged manifest. Each sweep reads it again, because it may be restored; it is logged
    /// once.</summary>
    private readonly HashSet<BatchId> _damaged = [];

    private int _openCalls;

    /// <summary>Jobs that get the result of an earlier upload now.</summary>
    private int _inAnswers;
    private bool _hasFoundOpen;
    private bool _isLoading;
    private bool _isPausing;

    /// <summary>Creates the actor.</summary>
    public OutboxActor(
        IMessageQueue requests, IObjectStore store, RepeatAnswers repeats, IActorRef scaler, OutboxSettings settings)
    {
        _requests = requests;
        _stored = new StoredOutbox(store, new SchedulerTimeProvider(Context.System));
        _repeats = repeats;
        _scaler = scaler;
        _settings = settings;
        _backoff = new Backoff(settings.MinBackoff, settings.MaxBackoff);
        _loadBackoff = new Backoff(settings.MinBackoff, settings.MaxBackoff);

        Receive<SendBatch>(OnSendBatch);
        Receive<SendUnsent>(send =>
        {
            Defer(send.Batch);
            SendNext();
        });
        Receive<SendAgain>(send =>
        {
            foreach (var request in send.Requests) Ready(request, isFirst: false);
            SendNext();
        });
        Receive<QueueIdentified>(OnQueueIdentified);
        Receive<OpenBatchesFound>(OnOpenBatchesFound);
        Receive<OpenBatchesFailed>(OnOpenBatchesFailed);
        Receive<RetryFindOpen>(_ => FindOpenBatches());
        Receive<Loaded>(OnLoaded);
        Receive<LoadFailed>(OnLoadFailed);
        Receive<LoadPauseOver>(_ =>
        {
            _isLoading = false;
            SendNext();
        });
        Receive<RepeatsAnswered>(OnRepeatsAnswered);
        Receive<CallFinished>(OnCallFinished);
        Receive<CallFailed>(OnCallFailed);
        Receive<MarkedSent>(OnMarkedSent);
        Receive<MarkSentFailed>(OnMarkSentFailed);
        Receive<RetryMarkSent>(again => MarkSent(again.Batch));
        Receive<PauseOver>(_ => OnPauseOver());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => FindOpenBatches();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void FindOpenBatches() =>
        _stored.FindOpenAsync(_stopping.Token).PipeTo(
            Self, success: batches => new OpenBatchesFound(batches), failure: cause => new OpenBatchesFailed(cause));

    private void OnOpenBatchesFound(OpenBatchesFound found)
    {
        // The queue's identity arrives just after the start and triggers a second search.
        if (found.Batches.Count > 0 && !_hasFoundOpen)
            _log.Info("{Count} batches of an earlier run are unfinished, and continue", found.Batches.Count);
        _hasFoundOpen = true;
        foreach (var batch in found.Batches) Defer(batch);
        SendNext();
    }

    private void OnOpenBatchesFailed(OpenBatchesFailed failed)
    {
        var pause = _loadBackoff.Next();
        _log.Warning(
            "Open batches could not be listed; the next try is in {Pause}: {Cause}", pause, failed.Cause.Message);
        Timers.StartSingleTimer(nameof(RetryFindOpen), RetryFindOpen.Instance, pause);
    }

    private void OnQueueIdentified(QueueIdentified identified)
    {
        if (identified.Contents == _queueContents) return;
        _queueContents = identified.Contents;
        _sentToLostQueue.UnionWith(_unsentCounts.Keys);
        FindOpenBatches();
    }

    private void OnSendBatch(SendBatch send)
    {
        if (HasRoom)
            Enqueue(send.Manifest, send.Manifest.Accepted);
        else
            Defer(send.Manifest.Batch);
        SendNext();
    }

    private bool HasRoom => _ready.Count + _inAnswers < _settings.MaxInMemory;

    private void Defer(BatchId batch)
    {
        if (!_unsentCounts.ContainsKey(batch) && _isDeferred.Add(batch)) _deferred.Enqueue(batch);
    }

    private void Enqueue(BatchManifest manifest, IEnumerable<ManifestJob> jobs)
    {
        // A batch accepted during the search arrives twice.
        if (_unsentCounts.ContainsKey(manifest.Batch)) return;

        var unsent = jobs.ToList();
        if (unsent.Count == 0) return;
        _unsentCounts[manifest.Batch] = unsent.Count;
        AddMessages(manifest, unsent.Where(job => job.RepeatOf is null));
        var repeats = unsent.Where(job => job.RepeatOf is not null).ToList();
        if (repeats.Count > 0) AnswerRepeats(manifest, repeats);
    }

    private void AddMessages(BatchManifest manifest, IEnumerable<ManifestJob> jobs)
    {
        foreach (var job in jobs) Ready(manifest.Request(job, FirstAttempt), isFirst: true);
    }

    private void AnswerRepeats(BatchManifest manifest, IReadOnlyList<ManifestJob> repeats)
    {
        _inAnswers += repeats.Count;
        _repeats.AnswerAsync(manifest, repeats, _stopping.Token).PipeTo(
            Self,
            success: left => new RepeatsAnswered(manifest, repeats.Count, left, null),
            failure: cause => new RepeatsAnswered(manifest, repeats.Count, repeats, cause));
    }

    private void OnRepeatsAnswered(RepeatsAnswered answered)
    {
        if (answered.Cause is { } cause)
            _log.Warning("Repeated pictures of batch {Batch} are classified: {Cause}",
                answered.Manifest.Batch, cause.Message);
        _inAnswers -= answered.Count;
        AddMessages(answered.Manifest, answered.Left);
        Settle(answered.Manifest.Batch, answered.Count - answered.Left.Count);
        SendNext();
    }

    private void Ready(ClassificationRequest request, bool isFirst) => _ready.Enqueue(new Envelope(
        request.Batch, request.Job, request.ToMessage(), isFirst, Context.System.Scheduler.MonotonicClock));

    private void SendNext()
    {
        if (_isPausing) return;

        while (_openCalls < _settings.Parallelism && _ready.Count > 0)
        {
            var call = new List<Envelope>(IMessageQueue.MaxBatch);
            while (call.Count < IMessageQueue.MaxBatch && _ready.TryDequeue(out var envelope)) call.Add(envelope);

            _openCalls++;
            SendAsync(call, Context.System.Scheduler.MonotonicClock - LookAfter).PipeTo(
                Self, failure: cause => new CallFailed(call, cause));
        }

        if (!_isLoading && HasRoom && _deferred.TryDequeue(out var batch))
        {
            _isLoading = true;
            _isDeferred.Remove(batch);
            _stored.LoadUnsentAsync(batch, _queueContents, _stopping.Token).PipeTo(
                Self,
                success: read => new Loaded(batch, read),
                failure: cause => new LoadFailed(batch, cause));
        }
    }

    /// <summary>Sends the messages of one call, except those of stopped batches.</summary>
    private async Task<CallFinished> SendAsync(IReadOnlyList<Envelope> call, TimeSpan lookIfBefore)
    {
        var cancellation = _stopping.Token;
        var waitedLong = call.Where(envelope => envelope.ReadyAt <= lookIfBefore).Select(envelope => envelope.Batch);
        var stopped = await _stored.FindStoppedAsync(waitedLong.Distinct(), cancellation).ConfigureAwait(false);
        var dropped = call.Where(envelope => stopped.Contains(envelope.Batch)).ToArray();
        var sent = call.Where(envelope => !stopped.Contains(envelope.Batch)).ToArray();
        var outcomes = sent.Length == 0
            ? []
            : await _requests.SendAsync([.. sent.Select(envelope => envelope.Message)], cancellation)
                .ConfigureAwait(false);
        return new CallFinished(sent, outcomes, dropped);
    }

    private void OnLoaded(Loaded loaded)
    {
        _isLoading = false;
        _loadBackoff.Reset();
        switch (loaded.Read)
        {
            case OutboxRead.Open { Unfinished: var unsent }:
                _damaged.Remove(loaded.Batch);
                Enqueue(unsent.Manifest, unsent.Jobs.Select(unfinished => unfinished.Job));
                break;
            case OutboxRead.Damaged damaged when !_damaged.Contains(loaded.Batch):
                if (_damaged.Count < MaxDamaged) _damaged.Add(loaded.Batch);
                _log.Error(
                    "The manifest {Key} is damaged, so its batch cannot be sent: {Why}", damaged.Key, damaged.Why);
                break;
        }

        SendNext();
    }

    /// <summary>Pauses the reading only. Messages in memory are sent meanwhile.</summary>
    private void OnLoadFailed(LoadFailed failed)
    {
        Defer(failed.Batch);
        var pause = _loadBackoff.Next();
        _log.Warning("Batch {Batch} could not be read and is sent later. Reading pauses for {Pause}: {Cause}",
            failed.Batch, pause, failed.Cause.Message);
        Timers.StartSingleTimer(nameof(LoadPauseOver), LoadPauseOver.Instance, pause);
    }

    private void OnCallFinished(CallFinished finished)
    {
        _openCalls--;
        string? refusal = null;
        var accepted = 0;
        foreach (var (envelope, outcome) in finished.Call.Zip(finished.Outcomes))
        {
            if (outcome.Kind is QueueOutcomeKind.Retriable or QueueOutcomeKind.Refused)
            {
                _ready.Enqueue(envelope);
                refusal = outcome.Reason;
                continue;
            }

            if (!outcome.Succeeded)
                _log.Error("The request queue refuses job {Job} permanently: {Reason}", envelope.Job, outcome.Reason);
            else
                accepted++;
            if (envelope.IsFirst) Settle(envelope.Batch, jobs: 1);
        }

        foreach (var envelope in finished.Dropped.Where(envelope => envelope.IsFirst))
        {
            _stoppedBatches.Add(envelope.Batch);
            Settle(envelope.Batch, jobs: 1);
        }

        if (accepted > 0)
        {
            _backoff.Reset();
            _scaler.Tell(new ScalerProtocol.WorkSent(accepted));
        }

        if (refusal is null) SendNext();
        else Pause($"the request queue did not take all messages: {refusal}");
    }

    /// <summary>Notes that jobs of a batch need nothing more of the outbox.</summary>
    private void Settle(BatchId batch, int jobs)
    {
        if (jobs == 0 || (_unsentCounts[batch] -= jobs) > 0) return;
        if (_stoppedBatches.Remove(batch)) Forget(batch);
        else MarkSent(batch);
    }

    private void MarkSent(BatchId batch) =>
        _stored.MarkSentAsync(batch, _sentToLostQueue.Contains(batch) ? null : _queueContents, _stopping.Token).PipeTo(
            Self, success: () => new MarkedSent(batch), failure: cause => new MarkSentFailed(batch, cause));

    private void OnMarkedSent(MarkedSent marked) => Forget(marked.Batch);

    private void Forget(BatchId batch)
    {
        _unsentCounts.Remove(batch);
        if (!_sentToLostQueue.Remove(batch)) return;
        Defer(batch);
        SendNext();
    }

    private void OnMarkSentFailed(MarkSentFailed failed)
    {
        _log.Warning("Batch {Batch} could not be marked as sent; the next try is in {Pause}: {Cause}",
            failed.Batch, _settings.MaxBackoff, failed.Cause.Message);
        Timers.StartSingleTimer(failed.Batch, new RetryMarkSent(failed.Batch), _settings.MaxBackoff);
    }

    private void OnCallFailed(CallFailed failed)
    {
        _openCalls--;
        foreach (var envelope in failed.Call) _ready.Enqueue(envelope);
        Pause($"the request queue did not answer: {failed.Cause.Message}");
    }

    private void Pause(string reason)
    {
        if (_isPausing) return;

        _isPausing = true;
        var pause = _backoff.Next();
        _log.Warning("Sending pauses for {Pause} with {Count} messages ready: {Reason}", pause, _ready.Count, reason);
        Timers.StartSingleTimer(nameof(PauseOver), PauseOver.Instance, pause);
    }

    private void OnPauseOver()
    {
        _isPausing = false;
        SendNext();
    }

    private sealed record Envelope(
        BatchId Batch, JobId Job, OutgoingMessage Message, bool IsFirst, TimeSpan ReadyAt);

    private sealed record OpenBatchesFound(IReadOnlyList<BatchId> Batches);

    private sealed record OpenBatchesFailed(Exception Cause);

    private sealed record Loaded(BatchId Batch, OutboxRead Read);

    private sealed record LoadFailed(BatchId Batch, Exception Cause);

    private sealed record RepeatsAnswered(
        BatchManifest Manifest, int Count, IReadOnlyList<ManifestJob> Left, Exception? Cause);

    private sealed record CallFinished(
        IReadOnlyList<Envelope> Call, IReadOnlyList<QueueOutcome> Outcomes, IReadOnlyList<Envelope> Dropped);

    private sealed record CallFailed(IReadOnlyList<Envelope> Call, Exception Cause);

    private sealed record MarkedSent(BatchId Batch);

    private sealed record MarkSentFailed(BatchId Batch, Exception Cause);

    private sealed record RetryMarkSent(BatchId Batch);

    private sealed record PauseOver
    {
        public static PauseOver Instance { get; } = new();
    }

    private sealed record LoadPauseOver
    {
        public static LoadPauseOver Instance { get; } = new();
    }

    private sealed record RetryFindOpen
    {
        public static RetryFindOpen Instance { get; } = new();
    }
}
