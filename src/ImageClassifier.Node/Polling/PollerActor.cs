using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>
/// Owns the stream that receives, classifies and acknowledges. The stream lives as long as this actor. A stream that
/// ends without a drain is a fault: the actor stops, and its owner starts a new one.
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
        var (source, finished) = CreateStream(fitness, OnPoll, OnAcknowledged).Run(Context.Materializer());
        _source = source;
        finished.PipeTo(Self, success: _ => new StreamEnded(null), failure: cause => new StreamEnded(cause));
        _owner.Tell(PollingStarted.Instance);

        void OnPoll(PollReport report)
        {
            progress.Polled(report);
            owner.Tell(new PollFinished(report.Received, report.InHand, report.Failure is not null)
            {
                Failure = report.Failure?.Message,
                IsRefused = report.Failure is IPermanentRefusal,
            });
        }

        void OnAcknowledged(Acknowledged message)
        {
            progress.Acknowledged(message);
            if (message.Outcome is { Kind: QueueOutcomeKind.Refused, Reason: { } refusal }) fitness.Refused(refusal);
        }

        // Drains at once, on any thread. Until the actors have processed a message, every picture in the queue could be
        // received and failed.
        void OnUnfit(string problem)
        {
            self.Tell(new BecameUnfit(problem));
            Drain();
        }
    }

    protected override void PostStop() => _draining.Cancel();

    private Akka.Streams.Dsl.IRunnableGraph<(IQueueSourceControl, Task<Akka.Done>)> CreateStream(
        Fitness fitness, Action<PollReport> onPoll, Action<Acknowledged> onAcknowledged)
    {
        var model = _ports.Classifier;
        var instance = _ports.Identity.Id;
        var polling = _settings.Polling;
        var outages = OutageRetries.Patient(polling.Source.MaxLease);
        var objects = new JobObjects(_ports.Store, outages, fitness, _time, _log);
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
        var publisher = new ResultPublisher(
            _ports.Store, _ports.Queues.Responses, outages, fitness, _time, _log);
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
            fitness.Refused,
            onAcknowledged);
    }

    /// <summary>Safe from any thread.</summary>
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
        Receive<BecameUnfit>(unfit =>
        {
            Drain();
            _owner.Tell(new NodeUnfit(unfit.Problem));
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
            // The source can outlive the stream: it still hands back messages that it had not emitted.
            _source!.Drained.PipeTo(Self, success: () => SourceEnded.Instance);
        });
        Receive<SourceEnded>(_ =>
        {
            _owner.Tell(PollerDrained.Instance);
            Context.Stop(Self);
        });
    }

    private sealed record StreamEnded(Exception? Cause);

    private sealed record BecameUnfit(string Problem);

    private sealed record SourceEnded
    {
        public static SourceEnded Instance { get; } = new();
    }
}
