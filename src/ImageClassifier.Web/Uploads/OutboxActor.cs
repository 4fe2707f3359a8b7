using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Scaling;
using static ImageClassifier.Web.Uploads.OutboxProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Sends the messages of accepted batches to the request queue, in calls as full as there is work, until the queue has
/// taken all. The manifests in the store are the outbox: after a start it goes on with what an earlier life
/// left, and what does not fit in memory is read from there.
/// </summary>
public sealed class OutboxActor : ReceiveActor, IWithTimers
{
    private const int FirstAttempt = 1;

    // Beyond these, damaged manifests are logged again and again.
    private const int MaxDamaged = 10_000;

    private readonly IMessageQueue _requests;
    private readonly StoredOutbox _stored;
    private readonly IActorRef _scaler;
    private readonly OutboxSettings _settings;
    private readonly Backoff _backoff;
    private readonly Backoff _loadBackoff;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Messages to send, in order.</summary>
    private readonly Queue<Envelope> _ready = [];

    /// <summary>How many messages of a batch the queue has not taken; 0 until that is noted.</summary>
    private readonly Dictionary<BatchId, int> _untaken = [];

    /// <summary>Batches that are read from the store when there is room.</summary>
    private readonly Queue<BatchId> _later = [];
    private readonly HashSet<BatchId> _isLater = [];

    /// <summary>Batches of <see cref="_untaken"/> of which some messages may have gone to a queue that is
    /// lost.</summary>
    private readonly HashSet<BatchId> _sentElsewhere = [];

    /// <summary>What the queue names its contents; null until that is known, and on a queue that loses
    /// nothing.</summary>
    private string? _queue;

    /// <summary>Batches whose manifest is damaged. It may be restored, so each sweep reads it again; one line in the log
    /// is enough.</summary>
    private readonly HashSet<BatchId> _damaged = [];

    private int _callsUnderWay;
    private bool _hasFoundOpen;
    private bool _loading;
    private bool _pausing;

    /// <summary>Creates the actor.</summary>
    public OutboxActor(IMessageQueue requests, IObjectStore store, IActorRef scaler, OutboxSettings settings)
    {
        _requests = requests;
        _stored = new StoredOutbox(store);
        _scaler = scaler;
        _settings = settings;
        _backoff = new Backoff(settings.MinBackoff, settings.MaxBackoff);
        _loadBackoff = new Backoff(settings.MinBackoff, settings.MaxBackoff);

        Receive<SendBatch>(OnSendBatch);
        Receive<SendUnsent>(send =>
        {
            Postpone(send.Batch);
            Pump();
        });
        Receive<SendAgain>(send =>
        {
            foreach (var request in send.Requests) _ready.Enqueue(Envelope.Of(request, isFirst: false));
            Pump();
        });
        Receive<QueueKnown>(OnQueueKnown);
        Receive<OpenFound>(OnOpenFound);
        Receive<OpenUnknown>(OnOpenUnknown);
        Receive<Recover>(_ => LookForOpen());
        Receive<Loaded>(OnLoaded);
        Receive<LoadFailed>(OnLoadFailed);
        Receive<LoadPauseOver>(_ =>
        {
            _loading = false;
            Pump();
        });
        Receive<CallFinished>(OnCallFinished);
        Receive<CallFailed>(OnCallFailed);
        Receive<Noted>(OnNoted);
        Receive<NoteFailed>(OnNoteFailed);
        Receive<NoteAgain>(again => Note(again.Batch));
        Receive<PauseOver>(_ => OnPauseOver());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => LookForOpen();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void LookForOpen() =>
        _stored.FindOpenAsync(_stopping.Token).PipeTo(
            Self, success: batches => new OpenFound(batches), failure: cause => new OpenUnknown(cause));

    private void OnOpenFound(OpenFound found)
    {
        // The queue's name, which comes a moment after the start, makes it look again.
        if (found.Batches.Count > 0 && !_hasFoundOpen)
            _log.Info("{Count} batches of an earlier run are not finished", found.Batches.Count);
        _hasFoundOpen = true;
        foreach (var batch in found.Batches) Postpone(batch);
        Pump();
    }

    private void OnOpenUnknown(OpenUnknown unknown)
    {
        var pause = _loadBackoff.Next();
        _log.Warning("Open batches could not be looked for, again in {Pause}: {Cause}", pause, unknown.Cause.Message);
        Timers.StartSingleTimer(nameof(Recover), Recover.Instance, pause);
    }

    private void OnQueueKnown(QueueKnown known)
    {
        if (known.Contents == _queue) return;
        _queue = known.Contents;
        _sentElsewhere.UnionWith(_untaken.Keys);
        LookForOpen();
    }

    private void OnSendBatch(SendBatch send)
    {
        if (_ready.Count < _settings.MaxInMemory)
            Enqueue(send.Manifest, send.Manifest.Accepted);
        else
            Postpone(send.Manifest.Batch);
        Pump();
    }

    private void Postpone(BatchId batch)
    {
        if (!_untaken.ContainsKey(batch) && _isLater.Add(batch)) _later.Enqueue(batch);
    }

    private void Enqueue(BatchManifest manifest, IEnumerable<ManifestJob> jobs)
    {
        // A batch that is accepted while open ones are looked for comes both ways.
        if (_untaken.ContainsKey(manifest.Batch)) return;

        var count = 0;
        foreach (var job in jobs)
        {
            _ready.Enqueue(Envelope.Of(manifest.Request(job, FirstAttempt), isFirst: true));
            count++;
        }

        if (count > 0) _untaken[manifest.Batch] = count;
    }

    private void Pump()
    {
        if (_pausing) return;

        while (_callsUnderWay < _settings.Parallelism && _ready.Count > 0)
        {
            var call = new List<Envelope>(IMessageQueue.MaxBatch);
            while (call.Count < IMessageQueue.MaxBatch && _ready.TryDequeue(out var envelope)) call.Add(envelope);

            _callsUnderWay++;
            _requests.SendAsync([.. call.Select(envelope => envelope.Message)], _stopping.Token).PipeTo(
                Self, success: outcomes => new CallFinished(call, outcomes), failure: cause => new CallFailed(call, cause));
        }

        if (!_loading && _ready.Count < _settings.MaxInMemory && _later.TryDequeue(out var batch))
        {
            _loading = true;
            _isLater.Remove(batch);
            _stored.LoadUnsentAsync(batch, _queue, _stopping.Token).PipeTo(
                Self,
                success: read => new Loaded(batch, read),
                failure: cause => new LoadFailed(batch, cause));
        }
    }

    private void OnLoaded(Loaded loaded)
    {
        _loading = false;
        _loadBackoff.Reset();
        switch (loaded.Read)
        {
            case OutboxRead.Open { Unfinished: var unsent }:
                _damaged.Remove(loaded.Batch);
                Enqueue(unsent.Manifest, unsent.Jobs.Select(unfinished => unfinished.Job));
                break;
            case OutboxRead.Damaged damaged when !_damaged.Contains(loaded.Batch):
                if (_damaged.Count < MaxDamaged) _damaged.Add(loaded.Batch);
                _log.Error("The manifest {Key} is damaged, and its batch cannot be sent: {Why}", damaged.Key, damaged.Why);
                break;
        }

        Pump();
    }

    /// <summary>Holds up the reading only: what is in memory is sent meanwhile.</summary>
    private void OnLoadFailed(LoadFailed failed)
    {
        Postpone(failed.Batch);
        var pause = _loadBackoff.Next();
        _log.Warning("Batch {Batch} could not be read and is sent later; reading pauses for {Pause}: {Cause}",
            failed.Batch, pause, failed.Cause.Message);
        Timers.StartSingleTimer(nameof(LoadPauseOver), LoadPauseOver.Instance, pause);
    }

    private void OnCallFinished(CallFinished finished)
    {
        _callsUnderWay--;
        string? refusal = null;
        var taken = 0;
        foreach (var (envelope, outcome) in finished.Call.Zip(finished.Outcomes))
        {
            if (outcome.Kind is QueueOutcomeKind.Retriable or QueueOutcomeKind.Refused)
            {
                _ready.Enqueue(envelope);
                refusal = outcome.Reason;
                continue;
            }

            if (!outcome.Succeeded)
                _log.Error("The request queue refuses job {Job} for good: {Reason}", envelope.Job, outcome.Reason);
            else
                taken++;
            if (envelope.IsFirst) CountTaken(envelope.Batch);
        }

        if (taken > 0)
        {
            _backoff.Reset();
            _scaler.Tell(new ScalerProtocol.WorkSent(taken));
        }

        if (refusal is null) Pump();
        else Pause($"the request queue did not take all messages: {refusal}");
    }

    private void CountTaken(BatchId batch)
    {
        if (--_untaken[batch] == 0) Note(batch);
    }

    private void Note(BatchId batch) =>
        _stored.NoteSentAsync(batch, _sentElsewhere.Contains(batch) ? null : _queue, _stopping.Token).PipeTo(
            Self, success: () => new Noted(batch), failure: cause => new NoteFailed(batch, cause));

    private void OnNoted(Noted noted)
    {
        _untaken.Remove(noted.Batch);
        if (!_sentElsewhere.Remove(noted.Batch)) return;
        Postpone(noted.Batch);
        Pump();
    }

    private void OnNoteFailed(NoteFailed failed)
    {
        _log.Warning("Batch {Batch} could not be noted as sent, again in {Pause}: {Cause}",
            failed.Batch, _settings.MaxBackoff, failed.Cause.Message);
        Timers.StartSingleTimer(failed.Batch, new NoteAgain(failed.Batch), _settings.MaxBackoff);
    }

    private void OnCallFailed(CallFailed failed)
    {
        _callsUnderWay--;
        foreach (var envelope in failed.Call) _ready.Enqueue(envelope);
        Pause($"the request queue did not answer: {failed.Cause.Message}");
    }

    private void Pause(string reason)
    {
        if (_pausing) return;

        _pausing = true;
        var pause = _backoff.Next();
        _log.Warning("Sending pauses for {Pause}, {Count} messages are ready: {Reason}", pause, _ready.Count, reason);
        Timers.StartSingleTimer(nameof(PauseOver), PauseOver.Instance, pause);
    }

    private void OnPauseOver()
    {
        _pausing = false;
        Pump();
    }

    private sealed record Envelope(BatchId Batch, JobId Job, OutgoingMessage Message, bool IsFirst)
    {
        public static Envelope Of(ClassificationRequest request, bool isFirst) =>
            new(request.Batch, request.Job, request.ToMessage(), isFirst);
    }

    private sealed record OpenFound(IReadOnlyList<BatchId> Batches);

    private sealed record OpenUnknown(Exception Cause);

    private sealed record Loaded(BatchId Batch, OutboxRead Read);

    private sealed record LoadFailed(BatchId Batch, Exception Cause);

    private sealed record CallFinished(IReadOnlyList<Envelope> Call, IReadOnlyList<QueueOutcome> Outcomes);

    private sealed record CallFailed(IReadOnlyList<Envelope> Call, Exception Cause);

    private sealed record Noted(BatchId Batch);

    private sealed record NoteFailed(BatchId Batch, Exception Cause);

    private sealed record NoteAgain(BatchId Batch);

    private sealed record PauseOver
    {
        public static PauseOver Instance { get; } = new();
    }

    private sealed record LoadPauseOver
    {
        public static LoadPauseOver Instance { get; } = new();
    }

    private sealed record Recover
    {
        public static Recover Instance { get; } = new();
    }
}
