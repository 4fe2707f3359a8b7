using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Event;
using Akka.Hosting;
using Akka.Remote.Transport.DotNetty;

namespace ImageClassifier.Web.Cluster;

/// <summary>Makes the actor system of a web node a member of a cluster.</summary>
public static class WebClusterExtensions
{
    /// <summary>The role that all web nodes have in the cluster.</summary>
    public const string Role = "web";

    /// <summary>The name of the actor system. It is part of each node's address, so all have the same.</summary>
    public const string SystemName = "image-classifier";

    // EC2 shows a new instance within a few seconds, but not to all who ask at the same moment.
    private static readonly TimeSpan StableFor = TimeSpan.FromSeconds(10);

    /// <summary>Joins the cluster that the settings describe. Nothing happens, and nothing of it is loaded, if the
    /// cluster is off.</summary>
    /// <param name="builder">The actor system's.</param>
    /// <param name="settings">The settings; <see cref="ClusterSettings.Host"/> must be known by now.</param>
    /// <param name="certificate">The certificates for TLS; null for no TLS.</param>
    /// <param name="finder">Finds the web nodes, if there are no seeds.</param>
    /// <param name="stableFor">How long the nodes that it finds must stay the same; null: ten seconds.</param>
    public static AkkaConfigurationBuilder WithWebCluster(
        this AkkaConfigurationBuilder builder,
        ClusterSettings settings,
        ClusterCertificate? certificate = null,
        WebNodeFinder? finder = null,
        TimeSpan? stableFor = null) =>
        settings.IsEnabled ? builder.Join(settings, certificate, finder, stableFor) : builder;

    private static AkkaConfigurationBuilder Join(
        this AkkaConfigurationBuilder builder,
        ClusterSettings settings,
        ClusterCertificate? certificate,
        WebNodeFinder? finder,
        TimeSpan? stableFor)
    {
        builder.WithClustering(new ClusterOptions { Roles = [Role] });
        if (certificate is not null)
        {
            builder.AddSetup(new DotNettySslSetup(
                certificate.Own, suppressValidation: false, requireMutualAuthentication: true, certificate.Accepts));
        }

        if (settings.FindsNodesOnEc2)
        {
            builder.AddSetup(finder ?? throw new ArgumentNullException(nameof(finder)));
            builder.WithActors((system, _, _) => system.ActorOf(
                Props.Create(() => new JoiningActor(settings.Port, stableFor ?? StableFor)), "joining"));
        }

        // The last one wins over all before it.
        builder.AddHocon(
            ConfigurationFactory.ParseString(
                ClusterHocon.Of(settings, SystemName, certificate is not null)),
            HoconAddMode.Prepend);
        return builder.WithActors((system, _, resolver) =>
        {
            var membership = resolver.GetService<ClusterMembership>();
            Follow(system, membership);
            if (membership is not null) system.ActorOf(Props.Create(() => new LostNodesActor(membership)), "lost-nodes");
        });
    }

    private static void Follow(ActorSystem system, ClusterMembership? membership)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        var shutdown = CoordinatedShutdown.Get(system);
        cluster.RegisterOnMemberUp(() => membership?.MarkUp());
        cluster.RegisterOnMemberRemoved(() =>
        {
            membership?.MarkRemoved();
            if (shutdown.ShutdownReason is CoordinatedShutdown.ClrExitReason) return;
            Logging.GetLogger(system, nameof(WebClusterExtensions)).Error(
                "This web node was removed from the cluster: the others could not reach it, or it is in the smaller "
                + "part of a split. It stops, and its watcher (systemd, the Auto Scaling group) starts it again");
        });
    }
}
