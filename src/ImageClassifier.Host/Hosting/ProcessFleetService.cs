using Akka.Actor;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Host.Hosting;

/// <summary>Ends the app nodes together with the last web node. They are asked to drain when it starts to stop, and
/// drain while it stops. While other web nodes work on, the app nodes do too.</summary>
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
