using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>
/// Owns the stream that takes work, does it and acknowledges it. The stream lives and dies with this actor; where it
/// ends without having been drained, that is a fault, and the actor stops for its owner to begin again.
/// </summary>
internal sealed class PollerActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly NodeSettings _settings;
    private readonly NodePorts _ports;
    private readonly IActorRef _classifier;
    private readonly IActorRef _owner;
    private readonly NodeProgress _progress;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _draining = new();
    private IQueueSourceControl? _source;

    public PollerActor(
        NodeSettings settings,
        NodePorts ports,
        IActorRef classifier,
        IActorRef owner,
        NodeProgress progress,
        TimeProvider time)
    {
        _settings = settings;
        _ports = ports;
        _classifier = classifier;
        _owner = owner;
        _progress = progress;
        _time = time;
        Polling();
    }

    public static Props Props(
        NodeSettings settings,
        NodePorts ports,
        IActorRef classifier,
        IActorRef owner,
        NodeProgress progress,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new PollerActor(settings, ports, classifier, owner, progress, time));

    protected override void PreStart()
    {
        var (self, owner, progress) = (Self, _owner, _progress);
        var fitness = new Fitness(_settings.Classification.MaxFailures, OnUnfit);
        var (source, finished) = CreateStream(fitness, OnPoll).Run(Context.Materializer());
        _source = source;
        finished.PipeTo(Self, success: _ => new StreamEnded(null), failure: cause => new StreamEnded(cause));
        _owner.Tell(PollingStarted.Instance);

        void OnPoll(PollReport report)
        {
            progress.Polled(report);
            owner.Tell(new PollFinished(report.Received, report.InHand, report.Failure is not null));
        }

        // At once, on whatever thread: until this actor and its owner have had their turns, every picture on the queue could
        // have been here and failed.
        void OnUnfit()
        {
            self.Tell(BecameUnfit.Instance);
            Drain();
        }
    }

    protected override void PostStop() => _draining.Cancel();

    private Akka.Streams.Dsl.IRunnableGraph<(IQueueSourceControl, Task<Akka.Done>)> CreateStream(
        Fitness fitness, Action<PollReport> onPoll)
    {
        var model = _ports.Classifier;
        var instance = _ports.Identity.Id;
        var polling = _settings.Polling;
        var outages = OutageRetries.Patient(polling.Source.MaxLease);
        var objects = new JobObjects(_ports.Store, outages, _time, _log);
        var intake = new PictureIntake(objects, model, instance, polling.Decoders, fitness, _time, _log);
        var suspects = new SuspectIntake(
            objects,
            _ports.Isolated,
            model.Model,
            instance,
            polling.MaxReceives,
            fitness,
            _time,
            _log,
            _draining.Token);
        var batches = new MicroBatches(
            _classifier, model.Model, instance, _settings.Classification.Timeout, fitness, _time, _log);
        var publisher = new ResultPublisher(_ports.Store, _ports.Queues.Responses, outages, _time, _log);
        return ClassificationStream.Create(
            _ports.Queues.Requests,
            _settings,
            model.PreferredBatchSize,
            intake,
            suspects,
            batches,
            publisher,
            _time,
            onPoll,
            _progress.Acknowledged);
    }

    /// <summary>From any thread.</summary>
    private void Drain()
    {
        _draining.Cancel();
        Volatile.Read(ref _source)?.Drain();
    }

    private void Polling()
    {
        Receive<DrainPoller>(_ =>
        {
            Drain();
            Become(Draining);
        });
        Receive<BecameUnfit>(_ =>
        {
            Drain();
            _owner.Tell(new NodeUnfit(_settings.Classification.MaxFailures));
            Become(Draining);
        });
        Receive<StreamEnded>(ended =>
        {
            _log.Error(ended.Cause, "The stream ended although no one asked it to");
            Context.Stop(Self);
        });
    }

    private void Draining()
    {
        Receive<DrainPoller>(_ => { });
        Receive<BecameUnfit>(_ => { });
        Receive<StreamEnded>(ended =>
        {
            if (ended.Cause is not null) _log.Error(ended.Cause, "The stream failed while it drained");
            // The source outlives the stream while it hands back what it had not given on.
            _source!.Drained.PipeTo(Self, success: () => SourceEnded.Instance);
        });
        Receive<SourceEnded>(_ =>
        {
            _owner.Tell(PollerDrained.Instance);
            Context.Stop(Self);
        });
    }

    private sealed record StreamEnded(Exception? Cause);

    private sealed record BecameUnfit
    {
        public static BecameUnfit Instance { get; } = new();
    }

    private sealed record SourceEnded
    {
        public static SourceEnded Instance { get; } = new();
    }
}
