using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Web.Hosting;

/// <summary>Registers the actors between an upload and the request queue.</summary>
internal static class UploadHosting
{
    /// <summary>Adds the <see cref="OutboxActor"/>. Each web node sends what it accepted.</summary>
    public static AkkaConfigurationBuilder WithOutbox(
        this AkkaConfigurationBuilder builder, UploadSettings settings) =>
        builder.WithActorOfNode<OutboxActor>("outbox", (actors, services) =>
        {
            var requests = services.GetService<QueuePair>().Requests;
            var store = services.GetService<IObjectStore>();
            var scaler = actors.Get<ScalerActor>();
            var repeats = new RepeatAnswers(
                store, actors.Get<BatchActor>(), settings.Repeats, services.GetService<KnownModels>(),
                services.GetService<TimeProvider>());
            return Props.Create(() => new OutboxActor(requests, store, repeats, scaler, settings.Outbox));
        });

    /// <summary>Adds the <see cref="UploadActor"/>.</summary>
    public static AkkaConfigurationBuilder WithUploads(this AkkaConfigurationBuilder builder) =>
        builder.WithActorOfNode<UploadActor>("uploads", (actors, services) =>
        {
            var store = services.GetService<IObjectStore>();
            var outbox = actors.Get<OutboxActor>();
            return Props.Create(() => new UploadActor(store, outbox));
        });

    /// <summary>Adds the <see cref="AbandonedUploadsActor"/>, of which the tier has one.</summary>
    public static AkkaConfigurationBuilder WithAbandonedUploads(
        this AkkaConfigurationBuilder builder, UploadSettings settings, ClusterSettings cluster) =>
        builder.WithActorOfTier<AbandonedUploadsActor>("abandoned-uploads", cluster, (_, services) =>
        {
            var store = services.GetService<IObjectStore>();
            return Props.Create(() => new AbandonedUploadsActor(store, settings));
        });

    /// <summary>Adds the <see cref="OpenBatchesActor"/>, of which the tier has one.</summary>
    public static AkkaConfigurationBuilder WithOpenBatches(
        this AkkaConfigurationBuilder builder, TimeSpan interval, LostJobSettings settings, ClusterSettings cluster) =>
        builder.WithActorOfTier<OpenBatchesActor>("open-batches", cluster, (actors, services) =>
        {
            var requests = services.GetService<QueuePair>().Requests;
            var store = services.GetService<IObjectStore>();
            var outbox = actors.Get<OutboxActor>();
            var batches = actors.Get<BatchActor>();
            return Props.Create(() => new OpenBatchesActor(requests, store, outbox, batches, interval, settings));
        });

    /// <summary>Adds the <see cref="QueueWatchActor"/>. Each web node watches for its own outbox and
    /// batches.</summary>
    public static AkkaConfigurationBuilder WithQueueWatch(this AkkaConfigurationBuilder builder) =>
        builder.WithActorOfNode<QueueWatchActor>("queue-watch", (actors, services) =>
        {
            var queues = services.GetService<QueuePair>();
            var outbox = actors.Get<OutboxActor>();
            var liveJobs = actors.Get<LiveJobsActor>();
            return Props.Create(() => new QueueWatchActor(queues, outbox, liveJobs));
        });
}
