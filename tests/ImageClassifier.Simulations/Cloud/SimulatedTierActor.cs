using Akka.Actor;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Hosting;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Supervision;
using ImageClassifier.Web.Uploads;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>The production actors of one web tier under one parent, so that a simulation can kill them together. It
/// forwards commands as the HTTP edge does.</summary>
internal sealed class SimulatedTierActor : ReceiveActor
{
    public SimulatedTierActor(QueuePair queues, IObjectStore store, IInstanceFleet fleet, WebTierSettings settings)
    {
        var (uploading, showing) = (settings.Uploads, settings.Results);
        var scaler = Start("scaler", Props.Create(() => new ScalerActor(
            queues.Requests, store, fleet, settings.Scaling.CreatePolicy(), settings.Scaling)));
        Start("abandoned-uploads", Props.Create(() => new AbandonedUploadsActor(store, uploading)));
        var liveJobs = Start("live-jobs", Props.Create(() => new LiveJobsActor(showing.MaxLiveJobs)));
        var batches = Context.ActorOf(
            Props.Create(() => new BatchesActor(store, liveJobs, ActorRefs.Nobody, ActorRefs.Nobody, showing)), "batches");
        var repeats = new RepeatAnswers(
            store, batches, RepeatSharing.Off, settings.Models, new SchedulerTimeProvider(Context.System));
        var outbox = Start("outbox", Props.Create(() => new OutboxActor(
            queues.Requests, store, repeats, scaler, uploading.Outbox)));
        var uploads = Start("uploads", Props.Create(() => new UploadActor(store, outbox)));
        var openBatches = Start("open-batches", Props.Create(() => new OpenBatchesActor(
            queues.Requests, store, outbox, batches, uploading.SweepInterval, settings.Lost)));
        Start("listener", Props.Create(() => new ResultListenerActor(
            queues.Responses, batches, scaler, openBatches, settings.Listening, showing)));

        Receive<IUploadCommand>(uploads.Forward);
        Receive<IBatchCommand>(batches.Forward);
        Receive<IScalerCommand>(scaler.Forward);
    }

    private static IActorRef Start(string name, Props props) =>
        Context.ActorOf(TierActors.WithBackoff(name, props), name);
}
