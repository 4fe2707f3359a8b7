using Akka;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Refusals;
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
        .AddSingleton<TimeProvider>(provider => new SchedulerTimeProvider(provider.GetRequiredService<ActorSystem>()))
        .AddSingleton(provider => new StopGrace(
            provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetRequiredService<TimeProvider>(),
            stopGrace))
        .AddSingleton<OwnNames>()
        .AddSingleton<OriginCheck>()
        .AddSingleton<RefusalRateLimit>()
        .AddSingleton<AccessGate>()
        .AddSingleton<UploadRequest>()
        .AddSingleton<BatchFeed>()
        .AddSingleton<SubscriberLimit>()
        .AddSingleton<ClassifyEndpoints>()
        .AddSingleton<EventStreamEndpoint>()
        .AddSingleton<WebSocketEndpoint>()
        .AddSingleton<ReadinessProblems>()
        .AddSingleton<HealthEndpoints>();

    /// <summary>Adds the Supervisor and its drain on shutdown.</summary>
    public static AkkaConfigurationBuilder WithWebTier(
        this AkkaConfigurationBuilder builder, WebTierSettings settings) =>
        builder.WithActors((system, registry, resolver) =>
        {
            var queues = resolver.GetService<QueuePair>();
            var store = resolver.GetService<IObjectStore>();
            var fleet = resolver.GetService<IInstanceFleet>();
            var supervisor = system.ActorOf(
                Props.Create(() => new WebSupervisorActor(queues, store, fleet, settings)), "web");
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
