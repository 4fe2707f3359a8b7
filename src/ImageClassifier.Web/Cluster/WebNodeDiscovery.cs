using Akka.Actor;
using Akka.Discovery;

namespace ImageClassifier.Web.Cluster;

/// <summary>Akka's discovery of the addresses that a <see cref="WebNodeFinder"/> finds.</summary>
internal sealed class WebNodeDiscovery : ServiceDiscovery
{
    private readonly WebNodeFinder _finder;

    /// <summary>Akka creates it by its name in the configuration.</summary>
    public WebNodeDiscovery(ExtendedActorSystem system) => _finder = system.Settings.Setup.Get<WebNodeFinder>().Value;

    public override async Task<Resolved> Lookup(Lookup lookup, TimeSpan resolveTimeout)
    {
        using var limit = new CancellationTokenSource(resolveTimeout, TimeProvider.System);
        var addresses = await _finder.FindAsync(limit.Token);
        return new Resolved(lookup.ServiceName, addresses.Select(address => new ResolvedTarget(address.ToString())));
    }
}
