using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Node.Records;

/// <summary>
/// Keeps the node's heartbeat record in the store. The web tier reads from its age whether the node lives. At most one
/// call of the store is under way. A failure has no consequence, and is logged once until a write succeeds.
/// </summary>
internal sealed class NodeRecordActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopped = new();
    private readonly IObjectStore _store;
    private readonly InstanceId _instance;
    private readonly ModelIdentity _model;
    private readonly RunArrangement _arrangement;
    private readonly string? _fingerprint;
    private readonly NodeProgress _progress;
    private readonly NodeRecordSettings _settings;
    private readonly TimeProvider _time;
    private readonly string _key;
    private InstanceState _state;
    private IActorRef _closer = ActorRefs.Nobody;
    private bool _isWriting;
    private bool _isStateNew;
    private bool _isFailing;
    private string? _problem;
    private byte[] _written = [];
    private TimeSpan _writtenAt;

    public NodeRecordActor(
        IObjectStore store,
        InstanceId instance,
        ModelIdentity model,
        RunArrangement arrangement,
        string? fingerprint,
        NodeProgress progress,
        NodeRecordSettings settings,
        TimeProvider time)
    {
        _store = store;
        _instance = instance;
        _model = model;
        _arrangement = arrangement;
        _fingerprint = fingerprint;
        _progress = progress;
        _settings = settings;
        _time = time;
        _key = ObjectKeys.Node(instance);
        Keeping();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The actor for one node's record. It writes nothing before the first
    /// <see cref="KeepNodeRecord"/>.</summary>
    /// <param name="store">The store of the record.</param>
    /// <param name="instance">The node's instance.</param>
    /// <param name="model">The model of the node.</param>
    /// <param name="arrangement">How the node runs it.</param>
    /// <param name="fingerprint">Identifies the model and the settings; null if they are not compared.</param>
    /// <param name="progress">The counts of the node.</param>
    /// <param name="settings">The intervals between two writes.</param>
    /// <param name="time">The clock of the actor system.</param>
    public static Props Props(
        IObjectStore store,
        InstanceId instance,
        ModelIdentity model,
        RunArrangement arrangement,
        string? fingerprint,
        NodeProgress progress,
        NodeRecordSettings settings,
        TimeProvider time) =>
        Akka.Actor.Props.Create(
            () => new NodeRecordActor(store, instance, model, arrangement, fingerprint, progress, settings, time));

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private void Keeping()
    {
        Receive<KeepNodeRecord>(keep =>
        {
            _state = keep.State;
            _isStateNew = true;
            Timers.StartPeriodicTimer(nameof(WriteDue), WriteDue.Instance, _settings.Interval);
            WriteUnlessWriting();
        });
        Receive<WriteDue>(_ =>
        {
            if (_isFailing || IsNew(ReadRecord())) WriteUnlessWriting();
        });
        Receive<WriteEnded>(ended =>
        {
            RecordOutcome(ended);
            if (_isStateNew) WriteUnlessWriting();
        });
        Receive<DeleteNodeRecord>(_ => BeginClosing());
        Receive<WriteProblem>(write =>
        {
            _problem = write.Problem;
            _state = InstanceState.Ended;
            BeginClosing();
        });
    }

    private void BeginClosing()
    {
        _closer = Sender;
        Timers.CancelAll();
        Become(Closing);
        // A write that is under way could land after the last write, or after the deletion.
        if (!_isWriting) Close();
    }

    private void Closing()
    {
        Receive<WriteEnded>(ended =>
        {
            RecordOutcome(ended);
            Close();
        });
        Receive<Closed>(closed =>
        {
            if (closed.Failure is { } failure)
                _log.Warning("The node's record could not be closed: {0}", failure.Message);
            _closer.Tell(NodeRecordClosed.Instance);
        });
        ReceiveAny(_ => { });
    }

    // An idle node would pay for writes that say nothing new. Now and then it must still show that it lives.
    private bool IsNew(ReadOnlySpan<byte> record) =>
        !record.SequenceEqual(_written)
        // Timers are a little late, so that the third one could come just before or after three intervals.
        || _time.GetMonotonic() - _writtenAt + _settings.Interval / 2 > _settings.QuietInterval;

    private void WriteUnlessWriting()
    {
        if (_isWriting) return;
        _isWriting = true;
        _isStateNew = false;
        WriteAsync().PipeTo(Self, success: () => new WriteEnded(null), failure: cause => new WriteEnded(cause));
    }

    private void Close()
    {
        var closing = _problem is null ? CallAsync(limit => _store.DeleteAsync(_key, limit)) : WriteAsync();
        closing.PipeTo(Self, success: () => new Closed(null), failure: cause => new Closed(cause));
    }

    private Task WriteAsync()
    {
        var record = ReadRecord();
        (_written, _writtenAt) = (record, _time.GetMonotonic());
        return CallAsync(limit => _store.PutAsync(_key, record, limit));
    }

    private byte[] ReadRecord()
    {
        var (done, perSecond) = _progress.Read();
        return WireJson.WriteUtf8(new NodeRecord(_instance, _state, done, perSecond, _model)
        {
            Problem = _problem,
            Fingerprint = _fingerprint,
            Arrangement = _arrangement,
            Loaded = _progress.Loaded is { Count: > 0 } loaded ? loaded : null,
        });
    }

    private async Task CallAsync(Func<CancellationToken, Task> call)
    {
        using var timeout = new CancellationTokenSource(CallTimeout, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopped.Token);
        await call(limit.Token);
    }

    private void RecordOutcome(WriteEnded ended)
    {
        _isWriting = false;
        if (ended.Failure is { } failure && !_isFailing)
            _log.Warning("The node's record could not be written and will be retried: {0}", failure.Message);
        if (ended.Failure is null && _isFailing) _log.Info("The node's record is written again");
        _isFailing = ended.Failure is not null;
    }

    private sealed record WriteDue
    {
        public static WriteDue Instance { get; } = new();
    }

    private sealed record WriteEnded(Exception? Failure);

    private sealed record Closed(Exception? Failure);
}
