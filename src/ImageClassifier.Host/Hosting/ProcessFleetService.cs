using Akka.Actor;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Host.Hosting;

/// <summary>Ends the app nodes together with the last web node. They drain while it stops. If other web nodes go on, so
/// do the app nodes.</summary>
internal sealed class ProcessFleetService(
    ProcessFleet fleet, ClusterSettings cluster, IServiceProvider services, IHostApplicationLifetime lifetime)
    : IHostedService
{
    private Task? _stopped;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _stopped = StopFleetAsync());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _stopped ?? fleet.StopAsync(cancellationToken);

    private Task StopFleetAsync() =>
        cluster.IsEnabled && ClusterNeighbours.Exist(services.GetRequiredService<ActorSystem>())
            ? Task.CompletedTask
            : fleet.StopAsync(CancellationToken.None);
}
