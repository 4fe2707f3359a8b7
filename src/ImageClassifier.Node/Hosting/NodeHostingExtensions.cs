using System.Globalization;
using Akka;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Supervision;
using ImageClassifier.Node.Termination;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Hosting;

/// <summary>Adds an app node to an actor system.</summary>
public static class NodeHostingExtensions
{
    private const string ClassifierDispatcher = "classifier-dispatcher";

    /// <summary>
    /// Runs an app node and registers its <see cref="NodeSupervisorActor"/> under that type. The service provider must
    /// have <see cref="QueuePair"/>, <see cref="IObjectStore"/>, <see cref="IImageClassifier"/>,
    /// <see cref="IIsolatedClassifier"/>, <see cref="IModelSource"/> and <see cref="IInstanceIdentity"/>. It may have
    /// <see cref="IBucketReader"/>. A node that ends runs the coordinated shutdown, which stops the host. A host that
    /// stops first waits for the node's drain.
    /// </summary>
    /// <remarks>The configuration must have the <c>classifier-dispatcher</c>. This method sets its thread count to the
    /// number of classifiers.</remarks>
    /// <param name="builder">The builder of the actor system.</param>
    /// <param name="settings">The settings of the node.</param>
    /// <param name="clock">Creates the node's clock; null to use the clock of the actor system's scheduler.</param>
    /// <param name="fingerprint">Identifies the node's model and settings; null if they are not compared.</param>
    /// <param name="measure">Measures the arrangements of the model while the node is idle; null if they are
    /// known.</param>
    /// <param name="onEnded">Called once when the node has ended: with the problem that ended it, or null after an
    /// orderly end. Must not block or throw.</param>
    public static AkkaConfigurationBuilder WithAppNode(
        this AkkaConfigurationBuilder builder,
        NodeSettings settings,
        Func<ActorSystem, TimeProvider>? clock = null,
        string? fingerprint = null,
        Func<CancellationToken, Task<ArrangementReport?>>? measure = null,
        Action<string?>? onEnded = null)
    {
        var threads = settings.Classification.Arrangement.Classifiers.ToString(CultureInfo.InvariantCulture);
        return builder
            .AddHocon($"{ClassifierDispatcher}.dedicated-thread-pool.thread-count = {threads}", HoconAddMode.Prepend)
            .WithActors((system, registry, resolver) =>
            {
                var ports = new NodePorts(
                    resolver.GetService<QueuePair>(),
                    resolver.GetService<IObjectStore>(),
                    resolver.GetService<IImageClassifier>(),
                    resolver.GetService<IIsolatedClassifier>(),
                    resolver.GetService<IModelSource>(),
                    resolver.GetService<IInstanceIdentity>())
                {
                    Buckets = resolver.GetService<IBucketReader>(),
                    Fingerprint = fingerprint,
                    MeasureArrangements = measure,
                };
                registry.Register<NodeSupervisorActor>(
                    StartNode(system, settings, ports, ClassifierDispatcher, clock, onEnded));
            });
    }

    /// <summary>Starts a node. The actor system shuts down when the node ends.</summary>
    internal static IActorRef StartNode(
        ActorSystem system,
        NodeSettings settings,
        NodePorts ports,
        string classifierDispatcher,
        Func<ActorSystem, TimeProvider>? clock = null,
        Action<string?>? onEnded = null)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        var time = clock?.Invoke(system) ?? new SchedulerTimeProvider(system);
        var props = NodeSupervisorActor.Props(
            settings, ports, time, classifierDispatcher, EndSystem);
        var node = system.ActorOf(props, "node");

        // A stopping host runs the coordinated shutdown, which waits here. The time-out of the phase limits the wait.
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, "end-app-node", async () =>
        {
            await node.Ask<NodeEnded>(new EndInstance("the program stops"), Timeout.InfiniteTimeSpan);
            return Done.Instance;
        });
        return node;

        // Does nothing if the shutdown is already running.
        void EndSystem(string? problem)
        {
            onEnded?.Invoke(problem);
            _ = shutdown.Run(NodeEndedReason.Instance);
        }
    }
}
