using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Web.Hosting;

/// <summary>Registers the actors between the response queue and the clients.</summary>
internal static class ResultHosting
{
    private const string Name = "batches";

    // More than ten for each of some ten nodes, so that they can be spread evenly. All nodes need the same number.
    private const int Shards = 128;

    /// <summary>Adds the <see cref="LiveJobsActor"/>. Each web node bounds its own memory.</summary>
    public static AkkaConfigurationBuilder WithLiveJobs(
        this AkkaConfigurationBuilder builder, ResultSettings settings) =>
        builder.WithActorOfNode<LiveJobsActor>("live-jobs", (_, _) =>
            Props.Create(() => new LiveJobsActor(settings.MaxLiveJobs)));

    /// <summary>Adds what takes the commands of all batches, under the key <see cref="BatchActor"/>: a
    /// <see cref="BatchesActor"/>, or in a cluster a shard region, so that each batch lives on one web node.</summary>
    public static AkkaConfigurationBuilder WithBatches(
        this AkkaConfigurationBuilder builder, ResultSettings settings, ClusterSettings cluster) =>
        cluster.IsEnabled ? WithShardedBatches(builder, settings) : WithLocalBatches(builder, settings);

    /// <summary>Adds the <see cref="ResultListenerActor"/>. All web nodes share the response queue.</summary>
    public static AkkaConfigurationBuilder WithResultListener(
        this AkkaConfigurationBuilder builder, QueueSourceSettings polling, ResultSettings settings) =>
        builder.WithActorOfNode<ResultListenerActor>("listener", (actors, services) =>
        {
            var responses = services.GetService<QueuePair>().Responses;
            var batches = actors.Get<BatchActor>();
            var scaler = actors.Get<ScalerActor>();
            var openBatches = actors.Get<OpenBatchesActor>();
            return Props.Create(() => new ResultListenerActor(
                responses, batches, scaler, openBatches, polling, settings));
        });

    private static AkkaConfigurationBuilder WithLocalBatches(
        AkkaConfigurationBuilder builder, ResultSettings settings) =>
        builder.WithActors((system, registry, resolver) =>
        {
            var store = resolver.GetService<IObjectStore>();
            var liveJobs = registry.Get<LiveJobsActor>();
            var callbacks = registry.Get<CallbackActor>();
            var repeats = registry.Get<RepeatsActor>();
            registry.Register<BatchActor>(
                system.ActorOf(Props.Create(() => new BatchesActor(store, liveJobs, callbacks, repeats, settings)), Name));
        });

    // A method of its own: without a cluster the assemblies of the cluster are not loaded.
    private static AkkaConfigurationBuilder WithShardedBatches(
        AkkaConfigurationBuilder builder, ResultSettings settings) =>
        builder.WithShardRegion<BatchActor>(
            Name,
            (_, registry, resolver) =>
            {
                var store = resolver.GetService<IObjectStore>();
                var liveJobs = registry.Get<LiveJobsActor>();
                var callbacks = registry.Get<CallbackActor>();
                var repeats = registry.Get<RepeatsActor>();
                var passivation = new Passivate(BatchesProtocol.Leave.Instance);
                return batch => Props.Create(() =>
                    new BatchActor(
                        BatchId.Parse(batch), store, liveJobs, callbacks, repeats, passivation, settings));
            },
            HashCodeMessageExtractor.Create(
                Shards, message => message is BatchProtocol.IBatchCommand command ? command.Batch.Value : null),
            new ShardOptions
            {
                HandOffStopMessage = BatchesProtocol.Leave.Instance,
                // A batch leaves memory by itself: it knows whether a reader waits.
                ShouldPassivateIdleEntities = false,
                StateStoreMode = StateStoreMode.DData,
                RememberEntities = false,
            });
}
