using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Fleet;

namespace ImageClassifier.Host.Hosting;

/// <summary>Ends the app nodes together with the last web node. They are asked to drain when it starts to stop, and
/// drain while it stops. While other web nodes run, the app nodes go on.</summary>
/// <param name="fleet">The app nodes.</param>
/// <param name="shared">The data folder, if other web nodes may use it; null if this one is alone.</param>
/// <param name="lifetime">Tells when the service starts to stop.</param>
internal sealed class ProcessFleetService(ProcessFleet fleet, EmbeddedLayout? shared, IHostApplicationLifetime lifetime)
    : IHostedService, IDisposable
{
    private WebNodeLock? _node;
    private Task? _stopped;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (shared is not null) _node = WebNodeLock.Take(shared);
        lifetime.ApplicationStopping.Register(() =>
        {
            if (_node?.IsShared() != true) _stopped = fleet.StopAsync(CancellationToken.None);
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopped is not null) return _stopped;
        _node?.Dispose();
        // Web nodes that stop together saw each other at first. The last one to come here sees no other.
        return shared is not null && WebNodeLock.IsAnyHeld(shared)
            ? Task.CompletedTask
            : fleet.StopAsync(cancellationToken);
    }

    public void Dispose() => _node?.Dispose();
}
