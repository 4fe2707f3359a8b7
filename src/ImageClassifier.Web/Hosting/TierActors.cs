using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.DependencyInjection;
using Akka.Hosting;
using Akka.Pattern;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Web.Hosting;

/// <summary>Creates the props of an actor from the actors registered before it and from the host's services.</summary>
internal delegate Props TierActorProps(IActorRegistry actors, IDependencyResolver services);

/// <summary>The two ways in which an actor of the web tier is registered.</summary>
internal static class TierActors
{
    private static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(30);
    private const double BackoffJitter = 0.2;

    /// <summary>Registers an actor that every web node has.</summary>
    public static AkkaConfigurationBuilder WithActorOfNode<TActor>(
        this AkkaConfigurationBuilder builder, string name, TierActorProps props)
        where TActor : ActorBase =>
        builder.WithActors((system, registry, resolver) =>
            registry.Register<TActor>(system.ActorOf(WithBackoff(name, props(registry, resolver)), name)));

    /// <summary>Registers an actor that the tier has once. In a cluster it is a singleton, and every node has a proxy
    /// to it.</summary>
    public static AkkaConfigurationBuilder WithActorOfTier<TActor>(
        this AkkaConfigurationBuilder builder, string name, ClusterSettings cluster, TierActorProps props)
        where TActor : ActorBase =>
        cluster.IsEnabled ? WithSingleton<TActor>(builder, name, props) : builder.WithActorOfNode<TActor>(name, props);

    // A method of its own: without a cluster the assemblies of the cluster are not loaded.
    private static AkkaConfigurationBuilder WithSingleton<TActor>(
        AkkaConfigurationBuilder builder, string name, TierActorProps props)
        where TActor : ActorBase =>
        builder.WithSingleton<TActor>(name, (_, registry, resolver) => WithBackoff(name, props(registry, resolver)));

    /// <summary>Restarts an actor that uses a queue or a store with a back-off, so that it does not fail in a tight
    /// loop.</summary>
    public static Props WithBackoff(string name, Props child) => BackoffSupervisor.Props(
        Akka.Pattern.Backoff.OnFailure(child, name, MinBackoff, MaxBackoff, BackoffJitter, maxNrOfRetries: -1));
}
