using Akka.Actor;
using Akka.Discovery;

namespace ImageClassifier.Web.Cluster;

/// <summary>Gives Akka's bootstrap the addresses that a <see cref="WebNodeFinder"/> finds.</summary>
internal sealed class WebNodeDiscovery : ServiceDiscovery
{
    private readonly WebNodeFinder _finder;

    /// <summary>Akka creates it by its name in the configuration.</summary>
    public WebNodeDiscovery(ExtendedActorSystem system) => _finder = system.Settings.Setup.Get<WebNodeFinder>().Value;

    public override async Task<Resolved> Lookup(Lookup lookup, TimeSpan resolveTimeout)
    {
        using var limit = new CancellationTokenSource(resolveTimeout, TimeProvider.System);
        var addresses = await _finder.FindAsync(limit.Token);
        // Without the IPAddress: Akka takes 10.0.0.1 for a part of 10.0.0.12 when it looks for itself there.
        return new Resolved(lookup.ServiceName, addresses.Select(address => new ResolvedTarget(address.ToString())));
    }
}
