using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Supervision;

/// <summary>
/// The app node: it creates the node's actors, begins again with the poller where that fails, tells the fleet where
/// the instance is in its life, and ends it. Whoever wants the end (the fleet, the program's shutdown, the node
/// itself), the order is the same: report draining, drain, delete the node's record, mark the instance as ended, tell
/// whoever asked. Stopped without that, it is a node that was killed, and leaves nothing behind in its program.
/// </summary>
public sealed class NodeSupervisorActor : ReceiveActor, IWithTimers
{
    // Enough for a queue that is being set up; a node that still cannot work makes room for another.
    private const int MaxPollerFailures = 10;

    // A fleet that does not answer must not hold the node up past its shutdown's limit.
    private static readonly TimeSpan FleetTimeout = TimeSpan.FromSeconds(5);

    // Nor must a store; a record that stays only grows old.
    private static readonly TimeSpan RecordTimeout = TimeSpan.FromSeconds(2);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly NodeSettings _settings;
    private readonly NodePorts _ports;
    private readonly TimeProvider _time;
    private readonly string _classifierDispatcher;
    private readonly Action _onEnded;
    private readonly NodeProgress _progress;
    private readonly Backoff _pollerBackoff;
    private readonly HashSet<IActorRef> _awaitEnd = [];
    private CancellationTokenRegistration _drainRequested;
    private IActorRef _classifier = ActorRefs.Nobody;
    private IActorRef _poller = ActorRefs.Nobody;
    private IActorRef _selfTerminator = ActorRefs.Nobody;
    private IActorRef _record = ActorRefs.Nobody;
    private DateTimeOffset _pollerStartedAt;
    private int _pollerFailures;
    private bool _isRunningReported;

    /// <summary>Use <see cref="Props"/>.</summary>
    public NodeSupervisorActor(
        NodeSettings settings, NodePorts ports, TimeProvider time, string classifierDispatcher, Action onEnded)
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

    /// <summary>A node.</summary>
    /// <param name="settings">Its settings.</param>
    /// <param name="ports">What it needs from outside.</param>
    /// <param name="time">The clock of the actor system.</param>
    /// <param name="classifierDispatcher">The dispatcher on whose threads the model runs.</param>
    /// <param name="onEnded">Called once, within the actor, when the node has ended: must not block or throw.</param>
    public static Props Props(
        NodeSettings settings, NodePorts ports, TimeProvider time, string classifierDispatcher, Action onEnded) =>
        Akka.Actor.Props.Create(() => new NodeSupervisorActor(settings, ports, time, classifierDispatcher, onEnded));

    /// <inheritdoc />
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(MaxPollerFailures, TimeSpan.FromMinutes(1), _ => Directive.Restart);

    /// <inheritdoc />
    protected override void PreStart()
    {
        var self = Self;
        _classifier = Context.ActorOf(
            ClassifierActor.Props(
                _ports.Classifier, _time, _settings.Classification.Classifiers, _classifierDispatcher),
            "classifier");
        _selfTerminator = Context.ActorOf(
            SelfTerminatorActor.Props(_ports.Queues.Requests, _settings.Termination, self, _time), "self-terminator");
        // Not watched: the node does its work without a record as well.
        _record = Context.ActorOf(
            NodeRecordActor.Props(
                _ports.Store, _ports.Identity.Id, _ports.Classifier.Model, _progress, _settings.RecordInterval, _time),
            "record");
        Context.Watch(_classifier);
        Context.Watch(_selfTerminator);
        StartPoller();
        _drainRequested = _ports.Identity.DrainRequested.Register(
            () => self.Tell(new EndInstance("the fleet asks for it")));
    }

    /// <inheritdoc />
    protected override void PostStop() => _drainRequested.Dispose();

    private void Running()
    {
        Receive<PollingStarted>(_ => ReportRunning());
        Receive<PollFinished>(poll => _selfTerminator.Forward(poll));
        Receive<StartPollerAgain>(_ => StartPoller());
        Receive<NodeUnfit>(unfit =>
        {
            var reason = $"{unfit.Failures} pictures in a row could not be classified";
            _log.Error("The model, the memory or the machine is at fault: {0}", reason);
            BeginDrain(new EndInstance(reason));
        });
        Receive<EndInstance>(BeginDrain);
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_poller)) PollerStopped();
            else BeginDrain(new EndInstance($"{ended.ActorRef.Path.Name} cannot go on"));
        });
        Receive<Reported>(_ => { });
    }

    private void Draining()
    {
        Receive<EndInstance>(_ => AwaitEnd());
        Receive<PollerDrained>(_ => End());
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_poller)) End();
        });
        Receive<DrainTimedOut>(_ =>
        {
            _log.Warning("The drain took longer than {0}; what is left returns to the queue", _settings.DrainTimeout);
            Context.Stop(_poller);
            End();
        });
        ReceiveAny(_ => { });
    }

    private void ClosingRecord()
    {
        Receive<EndInstance>(_ => AwaitEnd());
        Receive<NodeRecordClosed>(_ => MarkAsEnded());
        Receive<RecordTimedOut>(_ => MarkAsEnded());
        ReceiveAny(_ => { });
    }

    private void Ending()
    {
        Receive<EndInstance>(_ => AwaitEnd());
        Receive<InstanceEnded>(ended =>
        {
            if (ended.Failure is not null) _log.Error(ended.Failure, "The instance could not be marked as ended");
            _log.Info("The node has ended");
            foreach (var asker in _awaitEnd) asker.Tell(NodeEnded.Instance);
            Become(Ended);
            _onEnded();
        });
        ReceiveAny(_ => { });
    }

    private void Ended()
    {
        Receive<EndInstance>(_ => Sender.Tell(NodeEnded.Instance));
        ReceiveAny(_ => { });
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
            BeginDrain(new EndInstance($"the poller failed {_pollerFailures} times in a row"));
            return;
        }

        var pause = _pollerBackoff.Next();
        _log.Warning("The poller stopped; it begins again in {0} ms", (long)pause.TotalMilliseconds);
        Timers.StartSingleTimer(nameof(StartPollerAgain), StartPollerAgain.Instance, pause);
    }

    private void BeginDrain(EndInstance end)
    {
        _log.Info("The node drains: {0}", end.Reason);
        AwaitEnd();
        Report(InstanceState.Draining);
        Timers.CancelAll();
        if (Context.Child(_poller.Path.Name).IsNobody())
        {
            End();
            return;
        }

        Become(Draining);
        Timers.StartSingleTimer(nameof(DrainTimedOut), DrainTimedOut.Instance, _settings.DrainTimeout);
        _poller.Tell(DrainPoller.Instance);
    }

    private void AwaitEnd()
    {
        if (!Sender.IsNobody() && !Sender.Equals(_selfTerminator)) _awaitEnd.Add(Sender);
    }

    private void End()
    {
        Timers.CancelAll();
        Become(ClosingRecord);
        Timers.StartSingleTimer(nameof(RecordTimedOut), RecordTimedOut.Instance, RecordTimeout);
        _record.Tell(DeleteNodeRecord.Instance);
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
        _log.Info("Instance {0} takes work", _ports.Identity.Id);
        Report(InstanceState.Running);
    }

    private void Report(InstanceState state)
    {
        _record.Tell(new KeepNodeRecord(state));
        var log = _log;
        ReportAsync(state).PipeTo(Self, success: () => Reported.Instance, failure: cause =>
        {
            log.Warning("The fleet could not be told that the instance is {0}: {1}", state, cause.Message);
            return Reported.Instance;
        });
    }

    private async Task ReportAsync(InstanceState state)
    {
        using var limit = new CancellationTokenSource(FleetTimeout, _time);
        await _ports.Identity.ReportAsync(state, limit.Token);
    }

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
