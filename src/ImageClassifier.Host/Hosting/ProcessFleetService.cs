using ImageClassifier.Adapters.Embedded.Fleet;

namespace ImageClassifier.Host.Hosting;

/// <summary>Ends the child processes together with the web tier. They are asked to drain when it starts to stop, and
/// drain while it stops.</summary>
internal sealed class ProcessFleetService(ProcessFleet fleet, IHostApplicationLifetime lifetime) : IHostedService
{
    private Task? _stopped;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _stopped = fleet.StopAsync(CancellationToken.None));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _stopped ?? fleet.StopAsync(cancellationToken);
}
