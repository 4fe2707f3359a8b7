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
    /// <see cref="QueuePair"/>, <see cref="IObjectStore"/>, <see cref="IImageClassifier"/>,
    /// <see cref="IIsolatedClassifier"/> and <see cref="IInstanceIdentity"/> from the service provider. When the node
    /// has ended it runs the system's coordinated shutdown, with which the host stops; when the host stops first, the
    /// shutdown waits for the drain. </summary>
    /// <remarks>The configuration must have the <c>classifier-dispatcher</c>; it gets one thread for each
    /// classifier.</remarks>
    /// <param name="builder">Of the actor system.</param>
    /// <param name="settings">The node's.</param>
    /// <param name="clock">Makes the node's time from the actor system's; null: that is the node's.</param>
    /// <param name="fingerprint">Stands for the node's model and settings; null: they are not compared.</param>
    /// <param name="onEnded">Called once when the node has ended, with why it cannot work, or null where it ended in
    /// order: must not block or throw.</param>
    public static AkkaConfigurationBuilder WithAppNode(
        this AkkaConfigurationBuilder builder,
        NodeSettings settings,
        Func<TimeProvider, TimeProvider>? clock = null,
        string? fingerprint = null,
        Action<string?>? onEnded = null)
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
                    resolver.GetService<IIsolatedClassifier>(),
                    resolver.GetService<IInstanceIdentity>())
                {
                    Fingerprint = fingerprint,
                };
                registry.Register<NodeSupervisorActor>(
                    StartNode(system, settings, ports, ClassifierDispatcher, clock, onEnded));
            });
    }

    /// <summary>Starts the node of an actor system that ends with it.</summary>
    internal static IActorRef StartNode(
        ActorSystem system,
        NodeSettings settings,
        NodePorts ports,
        string classifierDispatcher,
        Func<TimeProvider, TimeProvider>? clock = null,
        Action<string?>? onEnded = null)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        TimeProvider time = new SchedulerTimeProvider(system);
        var props = NodeSupervisorActor.Props(
            settings, ports, clock?.Invoke(time) ?? time, classifierDispatcher, EndSystem);
        var node = system.ActorOf(props, "node");

        // A stopping host runs the coordinated shutdown, which waits here. The phase's own timeout bounds it.
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, "end-app-node", async () =>
        {
            await node.Ask<NodeEnded>(new EndInstance("the program stops"), Timeout.InfiniteTimeSpan);
            return Done.Instance;
        });
        return node;

        // Where the shutdown runs already, this does nothing.
        void EndSystem(string? problem)
        {
            onEnded?.Invoke(problem);
            _ = shutdown.Run(NodeEndedReason.Instance);
        }
    }
}
