using Akka;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Supervision;
using ImageClassifier.Web.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;

namespace ImageClassifier.Web.Hosting;

/// <summary>Adds the web tier to a host. The host must register the ports: <see cref="QueuePair"/> and
/// <see cref="IObjectStore"/> before <see cref="AddWebTier"/>, and <see cref="IInstanceFleet"/>.</summary>
public static class WebHostingExtensions
{
    // Shorter than the shutdown phase, which is shorter than the host's shutdown.
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(15);

    /// <summary>Adds the services of the HTTP edge.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">The tier's settings.</param>
    /// <param name="stopGrace">How long open requests may continue after the service starts to stop.</param>
    public static IServiceCollection AddWebTier(
        this IServiceCollection services, WebTierSettings settings, TimeSpan stopGrace) => services
        .WatchPorts()
        .AddWebTierHttp(settings.Uploads, settings.Edge)
        .AddSingleton(settings.Edge)
        .AddSingleton(settings.Access)
        .AddSingleton(settings.Uploads)
        .AddSingleton(settings.Results)
        .AddSingleton(settings.Models)
        .AddSingleton(settings.Cluster)
        .AddSingleton(new ClusterMembership(settings.Cluster.IsEnabled))
        .AddSingleton<TimeProvider>(provider => new SchedulerTimeProvider(provider.GetRequiredService<ActorSystem>()))
        .AddSingleton(provider => new StopGrace(
            provider.GetRequiredService<IHostApplicationLifetime>(),
            // That of the actors ends before the requests of a node that the others removed.
            TimeProvider.System,
            stopGrace))
        .AddCallbacks(settings.Callbacks)
        .AddSingleton(settings.References)
        .AddRepeats(settings.Uploads.Repeats)
        .AddSingleton<OwnNames>()
        .AddSingleton<OriginCheck>()
        .AddSingleton<RefusalRateLimit>()
        .AddSingleton<UploadRateLimit>()
        .AddSingleton<ReadLimit>()
        .AddSingleton<AccessGate>()
        .AddSingleton<UploadLimit>()
        .AddSingleton<ModelChoice>()
        .AddSingleton<UploadRequest>()
        .AddSingleton<BatchFeed>()
        .AddSingleton<SubscriberLimit>()
        .AddSingleton<ClassifyEndpoints>()
        .AddSingleton<EventStreamEndpoint>()
        .AddSingleton<WebSocketEndpoint>()
        .AddSingleton<ReadinessProblems>()
        .AddSingleton<HealthEndpoints>();

    /// <summary>Adds the actors, each after the ones that it needs.</summary>
    public static AkkaConfigurationBuilder WithWebTier(
        this AkkaConfigurationBuilder builder, WebTierSettings settings) => builder
        .WithWebMessages(settings.Cluster)
        .WithScaler(settings.Scaling, settings.Cluster)
        .WithAbandonedUploads(settings.Uploads, settings.Cluster)
        .WithLiveJobs(settings.Results)
        .WithCallbacks(settings.Callbacks, settings.Cluster)
        .WithRepeats()
        .WithBatches(settings.Results, settings.Cluster)
        .WithOutbox(settings.Uploads)
        .WithUploads()
        .WithOpenBatches(settings.Uploads.SweepInterval, settings.Lost, settings.Cluster)
        .WithQueueWatch()
        .WithResultListener(settings.Listening, settings.Results)
        .WithSupervisor(settings.Cluster);

    private static AkkaConfigurationBuilder WithSupervisor(
        this AkkaConfigurationBuilder builder, ClusterSettings cluster) =>
        builder.WithActors((system, registry, _) =>
        {
            var listener = registry.Get<ResultListenerActor>();
            var scaler = cluster.IsEnabled ? null : registry.Get<ScalerActor>();
            IActorRef[] actors =
            [
                registry.Get<ScalerActor>(), registry.Get<OutboxActor>(), registry.Get<UploadActor>(),
                registry.Get<AbandonedUploadsActor>(), registry.Get<LiveJobsActor>(), registry.Get<CallbackActor>(),
                registry.Get<RepeatsActor>(), registry.Get<BatchActor>(), registry.Get<OpenBatchesActor>(),
                registry.Get<QueueWatchActor>(), listener,
            ];
            var supervisor = system.ActorOf(Props.Create(() => new WebSupervisorActor(listener, scaler, actors)), "web");
            registry.Register<WebSupervisorActor>(supervisor);
            CoordinatedShutdown.Get(system).AddTask(
                CoordinatedShutdown.PhaseServiceRequestsDone, "drain-web-tier", () => DrainAsync(supervisor));
        });

    private static async Task<Done> DrainAsync(IActorRef supervisor)
    {
        try
        {
            await supervisor.Ask<TierDrained>(DrainTier.Instance, DrainLimit);
        }
        catch (AskTimeoutException)
        {
            // The responses in hand return to the queue when their leases expire.
        }

        return Done.Instance;
    }
}
