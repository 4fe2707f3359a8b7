using System.Globalization;
using Akka;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Supervision;
using ImageClassifier.Streams;

namespace ImageClassifier.Node;

/// <summary>Puts an app node into an actor system.</summary>
public static class NodeHostingExtensions
{
    private const string ClassifierDispatcher = "classifier-dispatcher";

    /// <summary>
    /// Runs an app node: the <see cref="NodeSupervisorActor"/>, which is registered under its type. It takes
    /// <see cref="QueuePair"/>, <see cref="IObjectStore"/>, <see cref="IImageClassifier"/> and
    /// <see cref="IInstanceIdentity"/> from the service provider. When the node has ended it runs the system's
    /// coordinated shutdown, with which the host stops; when the host stops first, the shutdown waits for the drain.
    /// </summary>
    /// <remarks>The configuration must have the <c>classifier-dispatcher</c>; it gets one thread for each
    /// classifier.</remarks>
    public static AkkaConfigurationBuilder WithAppNode(this AkkaConfigurationBuilder builder, NodeSettings settings)
    {
        var threads = settings.Classification.Classifiers.ToString(CultureInfo.InvariantCulture);
        return builder
            .AddHocon($"{ClassifierDispatcher}.dedicated-thread-pool.thread-count = {threads}", HoconAddMode.Prepend)
            .WithActors((system, registry, resolver) =>
            {
                var ports = new NodePorts(
                    resolver.GetService<QueuePair>(),
                    resolver.GetService<IObjectStore>(),
                    resolver.GetService<IImageClassifier>(),
                    resolver.GetService<IInstanceIdentity>());
                registry.Register<NodeSupervisorActor>(StartNode(system, settings, ports, ClassifierDispatcher));
            });
    }

    /// <summary>Starts the node of an actor system that ends with it.</summary>
    internal static IActorRef StartNode(
        ActorSystem system, NodeSettings settings, NodePorts ports, string classifierDispatcher)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        var props = NodeSupervisorActor.Props(
            settings, ports, new SchedulerTimeProvider(system), classifierDispatcher, EndSystem);
        var node = system.ActorOf(props, "node");

        // A stopping host runs the coordinated shutdown, which waits here. The phase's own timeout bounds it.
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, "end-app-node", async () =>
        {
            await node.Ask<NodeEnded>(new EndInstance("the program stops"), Timeout.InfiniteTimeSpan);
            return Done.Instance;
        });
        return node;

        // Where the shutdown runs already, this does nothing.
        void EndSystem() => _ = shutdown.Run(NodeEndedReason.Instance);
    }
}
