using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Supervision;

/// <summary>
/// The app node. It creates the node's actors, restarts a failed poller, reports the state of the instance to the
/// fleet, and ends the instance. The end always has the same order, whether the fleet, the shutdown or the node itself
/// asks for it: report draining, drain, delete the record, mark the instance as ended, reply. If the actor is stopped
/// without that, the node counts as killed.
/// </summary>
public sealed class NodeSupervisorActor : ReceiveActor, IWithTimers
{
    // Enough for a queue that is still being set up. A node that cannot work after that ends, so that another can
    // start.
    private const int MaxPollerFailures = 10;

    // A fleet that does not answer must not delay the node past the time-out of its shutdown.
    private static readonly TimeSpan FleetTimeout = TimeSpan.FromSeconds(5);

    // A node polls even if its store is away. The retries after refusals alone take about ten seconds.
    private static readonly TimeSpan StoreCheckTimeout = TimeSpan.FromSeconds(20);

    // A slow store must not delay the end either. A record that stays only grows old.
    private static readonly TimeSpan RecordTimeout = TimeSpan.FromSeconds(2);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly NodeSettings _settings;
    private readonly NodePorts _ports;
    private readonly TimeProvider _time;
    private readonly string _classifierDispatcher;
    private readonly Action<string?> _onEnded;
    private readonly NodeProgress _progress;
    private readonly Backoff _pollerBackoff;
    private readonly HashSet<IActorRef> _endWaiters = [];
    private CancellationTokenRegistration _drainRequested;
    private IActorRef _classifier = ActorRefs.Nobody;
    private IActorRef _poller = ActorRefs.Nobody;
    private IActorRef _selfTerminator = ActorRefs.Nobody;
    private IActorRef _record = ActorRefs.Nobody;
    private IActorRef _tuning = ActorRefs.Nobody;
    private DateTimeOffset _pollerStartedAt;
    private int _pollerFailures;
    private bool _isRunningReported;
    private bool _isRunningDry;
    private string? _problem;

    /// <summary>Use <see cref="Props"/>.</summary>
    public NodeSupervisorActor(
        NodeSettings settings, NodePorts ports, TimeProvider time, string classifierDispatcher, Action<string?> onEnded)
    {
        _settings = settings;
        _ports = ports;
        _time = time;
        _classifierDispatcher = classifierDispatcher;
        _onEnded = onEnded;
        _progress = new NodeProgress(time);
        _pollerBackoff = new Backoff(settings.Polling.Source.MinBackoff, settings.Polling.Source.MaxBackoff);
        Running();
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The supervisor of one node.</summary>
    /// <param name="settings">The settings of the node.</param>
    /// <param name="ports">The ports of the node.</param>
    /// <param name="time">The clock of the actor system.</param>
    /// <param name="classifierDispatcher">The dispatcher on whose threads the models run.</param>
    /// <param name="onEnded">Called once, within the actor, when the node has ended: with the problem that ended it, or
    /// null after an orderly end. Must not block or throw.</param>
    public static Props Props(
        NodeSettings settings,
        NodePorts ports,
        TimeProvider time,
        string classifierDispatcher,
        Action<string?> onEnded) =>
        Akka.Actor.Props.Create(() => new NodeSupervisorActor(settings, ports, time, classifierDispatcher, onEnded));

    /// <inheritdoc />
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(MaxPollerFailures, TimeSpan.FromMinutes(1), _ => Directive.Restart);

    /// <inheritdoc />
    protected override void PreStart()
    {
        var self = Self;
        _classifier = Context.ActorOf(
            ClassifierActor.Props(_time, _settings.Classification.Arrangement.Classifiers, _classifierDispatcher),
            "classifier");
        _selfTerminator = Context.ActorOf(
            SelfTerminatorActor.Props(_settings, _ports, self, _progress, _time), "self-terminator");
        // Not watched: the node works without a record too.
        _record = Context.ActorOf(
            NodeRecordActor.Props(
                _ports.Store, _ports.Identity.Id, _ports.Classifier.Model, _settings.Classification.Arrangement,
                _ports.Fingerprint, _progress, _settings.Records, _time),
            "record");
        // Not watched either: the node works without a measurement.
        if (_ports.MeasureArrangements is { } measure)
            _tuning = Context.ActorOf(IdleTuningActor.Props(measure), "tuning");
        Context.Watch(_classifier);
        Context.Watch(_selfTerminator);
        // First, so that a node that must drain already receives nothing.
        _drainRequested = _ports.Identity.DrainRequested.Register(
            () => self.Tell(new EndInstance("the fleet asks for it")));
        CheckStore();
    }

    /// <inheritdoc />
    protected override void PostStop() => _drainRequested.Dispose();

    private void Running()
    {
        Receive<PollingStarted>(_ => ReportRunning());
        Receive<PollFinished>(poll =>
        {
            _selfTerminator.Forward(poll);
            if (poll.Received > 0 || poll.InHand > 0) _tuning.Tell(NodeBusy.Instance);
            else if (!poll.Failed) _tuning.Tell(NodeIdle.Instance);
        });
        Receive<StoreChecked>(check =>
        {
            if (check.Refusal is null) StartPoller();
            else EndAsUnhealthy(check.Refusal);
        });
        Receive<StartPollerAgain>(_ => StartPoller());
        Receive<NodeUnhealthy>(unhealthy => EndAsUnhealthy(unhealthy.Problem));
        Receive<EndInstance>(BeginDrain);
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_poller)) PollerStopped();
            else EndAsUnhealthy($"A part of the node failed ({ended.ActorRef.Path.Name}); the node's log says why.");
        });
        Receive<Reported>(_ => { });
    }

    private void Draining()
    {
        Receive<EndInstance>(_ =>
        {
            AddEndWaiter();
            if (_isRunningDry) HandBackRest();
        });
        Receive<PollerDrained>(_ => End());
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_poller)) End();
        });
        Receive<DrainTimedOut>(_ =>
        {
            if (_isRunningDry)
            {
                HandBackRest();
                return;
            }

            _log.Warning("The drain took longer than {0}; the rest returns to the queue", _settings.DrainTimeout);
            Context.Stop(_poller);
            End();
        });
        ReceiveAny(_ => { });
    }

    private void ClosingRecord()
    {
        Receive<EndInstance>(_ => AddEndWaiter());
        Receive<NodeRecordClosed>(_ => MarkAsEnded());
        Receive<RecordTimedOut>(_ => MarkAsEnded());
        ReceiveAny(_ => { });
    }

    private void Ending()
    {
        Receive<EndInstance>(_ => AddEndWaiter());
        Receive<InstanceEnded>(ended =>
        {
            if (ended.Failure is not null) _log.Error(ended.Failure, "The instance could not be marked as ended");
            _log.Info("The node has ended");
            foreach (var asker in _endWaiters) asker.Tell(NodeEnded.Instance);
            Become(Ended);
            _onEnded(_problem);
        });
        ReceiveAny(_ => { });
    }

    private void Ended()
    {
        Receive<EndInstance>(_ => Sender.Tell(NodeEnded.Instance));
        ReceiveAny(_ => { });
    }

    /// <summary>Checks that the node may read its store before it receives jobs. So a refusal uses up no job's
    /// receives.</summary>
    private void CheckStore() =>
        CheckStoreAsync().PipeTo(
            Self,
            success: () => new StoreChecked(null),
            // An outage is no refusal: the poller waits until it ends.
            failure: cause => new StoreChecked(cause is IPermanentRefusal ? cause.Message : null));

    private async Task CheckStoreAsync()
    {
        using var limit = new CancellationTokenSource(StoreCheckTimeout, _time);
        var source = _settings.Polling.Source;
        var retries = new RetryPolicy(RetryPolicy.RefusedAttempts, source.MinBackoff, source.MaxBackoff);
        var refusals = retries.CreatePipeline(
            _time, outcome => outcome.Exception is StoreRefusedException ? retries.Attempts : 1);
        // No object has this key.
        const string key = $"{ObjectKeys.Results}node-check";
        await refusals.ExecuteAsync(
            async token => await _ports.Store.ExistsAsync(key, token).WaitAsync(token), limit.Token);
    }

    private void StartPoller()
    {
        _poller = Context.ActorOf(PollerActor.Props(_settings, _ports, _classifier, Self, _progress, _time));
        Context.Watch(_poller);
        _pollerStartedAt = _time.GetUtcNow();
    }

    private void PollerStopped()
    {
        if (_time.GetUtcNow() - _pollerStartedAt > _settings.Polling.Source.MaxBackoff)
        {
            _pollerFailures = 0;
            _pollerBackoff.Reset();
        }

        if (++_pollerFailures > MaxPollerFailures)
        {
            EndAsUnhealthy($"The poller failed {_pollerFailures} times in a row; the node's log says why.");
            return;
        }

        var pause = _pollerBackoff.Next();
        _log.Warning("The poller stopped; it restarts in {0} ms", (long)pause.TotalMilliseconds);
        Timers.StartSingleTimer(nameof(StartPollerAgain), StartPollerAgain.Instance, pause);
    }

    private void EndAsUnhealthy(string problem)
    {
        _log.Error("The node cannot do its work: {0}", problem);
        BeginDrain(new EndInstance("it cannot do its work", problem));
    }

    private void BeginDrain(EndInstance end)
    {
        _log.Info("The node drains: {0}", end.Reason);
        _problem = end.Problem;
        AddEndWaiter();
        Context.Stop(_tuning);
        Report(InstanceState.Draining);
        Timers.CancelAll();
        if (_poller.IsNobody() || Context.Child(_poller.Path.Name).IsNobody())
        {
            End();
            return;
        }

        Become(Draining);
        Timers.StartSingleTimer(nameof(DrainTimedOut), DrainTimedOut.Instance, _settings.DrainTimeout);
        _isRunningDry = end.FinishesWork;
        IPollerMessage how = _isRunningDry ? RunPollerDry.Instance : DrainPoller.Instance;
        _poller.Tell(how);
    }

    /// <summary>Goes on with a drain: the node is asked again, or has taken too long to finish its work.</summary>
    private void HandBackRest()
    {
        _isRunningDry = false;
        Timers.StartSingleTimer(nameof(DrainTimedOut), DrainTimedOut.Instance, _settings.DrainTimeout);
        _poller.Tell(DrainPoller.Instance);
    }

    private void AddEndWaiter()
    {
        if (!Sender.IsNobody() && !Sender.Equals(_selfTerminator)) _endWaiters.Add(Sender);
    }

    private void End()
    {
        Timers.CancelAll();
        Become(ClosingRecord);
        Timers.StartSingleTimer(nameof(RecordTimedOut), RecordTimedOut.Instance, RecordTimeout);
        INodeRecordMessage close = _problem is null ? DeleteNodeRecord.Instance : new WriteProblem(_problem);
        _record.Tell(close);
    }

    private void MarkAsEnded()
    {
        Timers.CancelAll();
        Become(Ending);
        EndInstanceAsync().PipeTo(
            Self, success: () => new InstanceEnded(null), failure: cause => new InstanceEnded(cause));
    }

    private async Task EndInstanceAsync()
    {
        using var limit = new CancellationTokenSource(FleetTimeout, _time);
        await _ports.Identity.EndAsync(limit.Token);
    }

    private void ReportRunning()
    {
        if (_isRunningReported) return;
        _isRunningReported = true;
        _log.Info("Instance {0} takes work. Its classifiers x threads x batch are {1}",
            _ports.Identity.Id, _settings.Classification.Arrangement);
        Report(InstanceState.Running);
    }

    private void Report(InstanceState state)
    {
        _record.Tell(new KeepNodeRecord(state));
        var log = _log;
        ReportAsync(state).PipeTo(Self, success: () => Reported.Instance, failure: cause =>
        {
            log.Warning("The state {0} could not be reported to the fleet: {1}", state, cause.Message);
            return Reported.Instance;
        });
    }

    private async Task ReportAsync(InstanceState state)
    {
        using var limit = new CancellationTokenSource(FleetTimeout, _time);
        await _ports.Identity.ReportAsync(state, limit.Token);
    }

    /// <param name="Refusal">Why the store refuses the node; null if it does not refuse, or cannot be reached.</param>
    private sealed record StoreChecked(string? Refusal);

    private sealed record StartPollerAgain
    {
        public static StartPollerAgain Instance { get; } = new();
    }

    private sealed record DrainTimedOut
    {
        public static DrainTimedOut Instance { get; } = new();
    }

    private sealed record RecordTimedOut
    {
        public static RecordTimedOut Instance { get; } = new();
    }

    private sealed record Reported
    {
        public static Reported Instance { get; } = new();
    }

    private sealed record InstanceEnded(Exception? Failure);
}
