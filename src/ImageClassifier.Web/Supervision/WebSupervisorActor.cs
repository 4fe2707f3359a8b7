using Akka.Actor;
using Akka.Pattern;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Web.Supervision;

/// <summary>The root of the web tier's actors, and the only actor that the HTTP edge knows. It forwards each command to
/// the child that handles it.</summary>
public sealed class WebSupervisorActor : ReceiveActor
{
    private static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(30);
    private const double BackoffJitter = 0.2;

    private readonly List<IActorRef> _drainers = [];
    private bool _isDrained;

    /// <summary>Creates the actor and its children.</summary>
    public WebSupervisorActor(
        QueuePair queues, IObjectStore store, IInstanceFleet fleet, WebTierSettings settings)
    {
        var scaler = WithBackoff("scaler", Props.Create(() => new ScalerActor(
            queues.Requests, store, fleet, settings.Scaling.CreatePolicy(), settings.Scaling)));
        var outbox = WithBackoff("outbox", Props.Create(() => new OutboxActor(
            queues.Requests, store, scaler, settings.Uploads.Outbox)));
        var uploads = WithBackoff("uploads", Props.Create(() => new UploadActor(store, outbox, settings.Uploads)));
        var batches = Context.ActorOf(Props.Create(() => new BatchesActor(store, settings.Results)), "batches");
        var openBatches = WithBackoff("open-batches", Props.Create(() => new OpenBatchesActor(
            queues.Requests, store, outbox, batches, settings.Uploads.SweepInterval, settings.Lost)));
        WithBackoff("queue-watch", Props.Create(() => new QueueWatchActor(queues, store, outbox, batches)));
        var listener = WithBackoff("listener", Props.Create(() => new ResultListenerActor(
            queues.Responses, batches, scaler, openBatches, settings.Listening, settings.Results)));

        Receive<IUploadCommand>(uploads.Forward);
        Receive<IBatchCommand>(batches.Forward);
        Receive<IScalerCommand>(scaler.Forward);
        Receive<DrainTier>(_ =>
        {
            if (_isDrained)
            {
                Sender.Tell(TierDrained.Instance);
                return;
            }

            _drainers.Add(Sender);
            if (_drainers.Count > 1) return;
            scaler.Tell(StopLaunching.Instance);
            listener.Tell(DrainListener.Instance);
        });
        Receive<ListenerDrained>(_ =>
        {
            _isDrained = true;
            foreach (var drainer in _drainers) drainer.Tell(TierDrained.Instance);
        });
    }

    /// <summary>Restarts an actor that uses a queue or a store with a back-off, so that it does not fail in a tight
    /// loop.</summary>
    private static IActorRef WithBackoff(string name, Props child) => Context.ActorOf(
        BackoffSupervisor.Props(Akka.Pattern.Backoff.OnFailure(
            child, name, MinBackoff, MaxBackoff, BackoffJitter, maxNrOfRetries: -1)),
        name);
}
