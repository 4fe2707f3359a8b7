using Akka;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;

namespace ImageClassifier.Web.Supervision;

/// <summary>Puts the web tier into a host. The host gives the ports: <see cref="QueuePair"/>,
/// <see cref="IObjectStore"/> and <see cref="IInstanceFleet"/>, queues and store
/// before <see cref="AddWebTier"/>.</summary>
public static class WebHostingExtensions
{
    // Within the phase's own limit, which is within the host's.
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(15);

    /// <summary>The services that the HTTP edge needs.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">The tier's settings.</param>
    /// <param name="stopGrace">How long requests under way may go on once the service was told to stop.</param>
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
            provider.GetRequiredService<IHostApplicationLifetime>(), provider.GetRequiredService<TimeProvider>(), stopGrace))
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

    /// <summary>The Supervisor, and its part in an orderly shutdown.</summary>
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
            // What is in hand then returns to the queue when its leases run out.
        }

        return Done.Instance;
    }
}
