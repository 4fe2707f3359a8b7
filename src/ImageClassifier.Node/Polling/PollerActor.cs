using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Models;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.References;
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
    private readonly NodeModels _models;
    private readonly HttpMessageInvoker _http;
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
        _models = new NodeModels(
            new LoadedModel(ports.Classifier, ports.Isolated),
            ports.Models,
            ports.Store,
            ports.Identity.Id,
            progress.RecordLoaded,
            time,
            _log);
        _http = new HttpMessageInvoker(OutboundHttp.CreateHandler(settings.References.Rules.Addresses));
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
        var health = new NodeHealth(_settings.Classification.MaxFailures, OnUnhealthy);
        var (source, finished) = CreateStream(health, OnPoll, OnAcknowledged).Run(Context.Materializer());
        _source = source;
        finished.PipeTo(Self, success: _ => new StreamEnded(null), failure: cause => new StreamEnded(cause));
        _owner.Tell(PollingStarted.Instance);

        void OnPoll(PollReport report)
        {
            progress.RecordPoll(report);
            owner.Tell(new PollFinished(report.Received, report.InHand, report.Failure is not null)
            {
                Failure = report.Failure?.Message,
                IsRefused = report.Failure is IPermanentRefusal,
            });
        }

        void OnAcknowledged(Acknowledged message)
        {
            progress.RecordAcknowledged(message);
            if (message.Outcome is { Kind: QueueOutcomeKind.Refused, Reason: { } refusal })
                health.RecordRefusal(refusal);
        }

        // Drains at once, on any thread. Until the actors have processed a message, every picture in the queue could be
        // received and failed.
        void OnUnhealthy(string problem)
        {
            self.Tell(new BecameUnhealthy(problem));
            Drain();
        }
    }

    protected override void PostStop()
    {
        _draining.Cancel();
        _models.Dispose();
        _http.Dispose();
    }

    private Akka.Streams.Dsl.IRunnableGraph<(IQueueSourceControl, Task<Akka.Done>)> CreateStream(
        NodeHealth health, Action<PollReport> onPoll, Action<Acknowledged> onAcknowledged)
    {
        var instance = _ports.Identity.Id;
        var polling = _settings.Polling;
        var patient = OutageRetries.Patient(polling.Source.MaxLease);
        var outages = new OutageRetries(patient, _time, health);
        var objects = new JobObjects(_ports.Store, outages, _log);
        var models = new JobModels(_models, outages, _draining.Token);
        var stopped = new StoppedBatches(_ports.Store, outages, _time);
        var loader = new PictureLoader(
            objects, models, stopped, instance, polling.Decoders, health, _time, _log, _draining.Token);
        var suspects = new SuspectProcessor(
            objects,
            models,
            stopped,
            instance,
            polling.MaxReceives,
            health,
            _time,
            _log,
            _draining.Token);
        var batches = new MicroBatches(
            _classifier, instance, _settings.Classification.Timeout, health, _time, _log);
        var publisher = new ResultPublisher(
            _ports.Store,
            _ports.Queues.Responses,
            outages,
            new QueueRetries(patient, _time),
            health,
            _time,
            _log);
        return ClassificationStream.Create(
            _ports.Queues.Requests,
            _settings,
            loader,
            suspects,
            References(stopped, health),
            batches,
            publisher,
            _time,
            onPoll,
            health.RecordRefusal,
            onAcknowledged);
    }

    private ReferenceLoaders References(StoppedBatches stopped, NodeHealth health)
    {
        var fetcher = new PictureFetcher(
            _settings.References.Rules, _settings.Intake, _http, _ports.Buckets, _time, _log);
        return new ReferenceLoaders(Of(ReferenceLoader.FreshPlaces), Of(ReferenceLoader.SuspectPlaces));

        ReferenceLoader Of(int places) =>
            new(fetcher, stopped, places, _ports.Identity.Id, health, _time, _log, _draining.Token);
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
        Receive<RunPollerDry>(_ =>
        {
            _source!.StopPolling();
            Become(Draining);
        });
        Receive<BecameUnhealthy>(unhealthy =>
        {
            Drain();
            _owner.Tell(new NodeUnhealthy(unhealthy.Problem));
            Become(Draining);
        });
        Receive<StreamEnded>(ended =>
        {
            _log.Error(ended.Cause, "The stream ended without a drain");
            Context.Stop(Self);
        });
    }

    private void Draining()
    {
        Receive<DrainPoller>(_ => Drain());
        Receive<BecameUnhealthy>(_ => { });
        Receive<StreamEnded>(ended =>
        {
            if (ended.Cause is not null) _log.Error(ended.Cause, "The stream failed during its drain");
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

    private sealed record BecameUnhealthy(string Problem);

    private sealed record SourceEnded
    {
        public static SourceEnded Instance { get; } = new();
    }
}
