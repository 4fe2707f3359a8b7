using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Node;

/// <summary>The settings of an app node: <c>image-classifier.node</c>, and those of its queue that it needs.</summary>
/// <param name="Polling">How the node receives jobs.</param>
/// <param name="Classification">How the node runs the model.</param>
/// <param name="Termination">When the node ends itself.</param>
/// <param name="DrainTimeout">The time limit of a drain. Messages that are left then return to the queue.</param>
/// <param name="Records">When the node writes its heartbeat record to the store.</param>
/// <param name="References">Which pictures the node fetches by reference.</param>
/// <param name="Intake">Which files it takes from there.</param>
public sealed record NodeSettings(
    PollingSettings Polling,
    ClassificationSettings Classification,
    TerminationSettings Termination,
    TimeSpan DrainTimeout,
    NodeRecordSettings Records,
    ReferenceSettings References,
    IntakeSettings Intake)
{
    private const string ShutdownPhase = "akka.coordinated-shutdown.phases.service-requests-done.timeout";

    /// <summary>The time limit of a drain. It fits into the shutdown phase, which fits into the host's 30 s. Any
    /// micro-batch ends within it.</summary>
    public static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(15);

    /// <summary>Reads the settings of a node that runs on this machine.</summary>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong, or two contradict each
    /// other.</exception>
    public static NodeSettings Create(Config config) => Create(config, Environment.ProcessorCount);

    /// <summary>Reads the settings of a node.</summary>
    /// <param name="config">The whole configuration.</param>
    /// <param name="cores">The number of cores of the node's machine. Null if the node runs on another machine: then
    /// only values that no machine can have are refused.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong, or two contradict each
    /// other.</exception>
    public static NodeSettings Create(Config config, int? cores)
    {
        var node = new SettingsSection(config, "image-classifier.node");
        CheckShutdownPhase(config);
        return new NodeSettings(
            PollingSettings.Create(
                node.Section("polling"), QueueSettings.Create(config).Requests, EnvironmentSettings.Create(config)),
            ClassificationSettings.Create(config, cores),
            TerminationSettings.Create(node.Section("termination")),
            LongestDrain,
            NodeRecordSettings.Create(config),
            ReferenceSettings.Create(config),
            IntakeSettings.Create(config));
    }

    // After the time-out of this phase the actors are stopped, drained or not.
    private static void CheckShutdownPhase(Config config)
    {
        if (!config.HasPath(ShutdownPhase) || LongestDrain < config.GetTimeSpan(ShutdownPhase)) return;
        throw new InvalidSettingException(ShutdownPhase, config.GetString(ShutdownPhase),
            $"it must be longer than the {LongestDrain.TotalSeconds:0} s of a node's drain");
    }
}

/// <summary>How a node receives jobs and settles them.</summary>
/// <param name="Source">How the request queue is polled.</param>
/// <param name="Linger">How long a result waits for others, to share a call of the response queue.</param>
/// <param name="AcknowledgeLinger">How long a delete waits for others, to share a call. Nothing waits for
/// deletes.</param>
/// <param name="Fetchers">The most pictures that are being read from the store or wait for a decoder.</param>
/// <param name="Decoders">The most pictures that are being decoded.</param>
/// <param name="MaxReceives">A job that was received more often fails if this try fails too.</param>
public sealed record PollingSettings(
    QueueSourceSettings Source,
    TimeSpan Linger,
    TimeSpan AcknowledgeLinger,
    int Fetchers,
    int Decoders,
    int MaxReceives)
{
    // A call to this machine's queue costs nothing. So hardly anything waits to share one.
    private static readonly TimeSpan LocalLinger = TimeSpan.FromMilliseconds(5);

    // AWS charges for each call, and a message takes ten results. A result waits a moment for nine others.
    private static readonly TimeSpan PaidLinger = TimeSpan.FromMilliseconds(250);

    // Nothing waits for a delete, so it waits longer. It holds its place among max-in-flight meanwhile.
    private static readonly TimeSpan PaidAcknowledgeLinger = TimeSpan.FromSeconds(1);

    // This machine's files come at once, and as many nodes as cores share its memory. S3 takes tens of milliseconds.
    private const int LocalFetchers = 4;
    private const int RemoteFetchers = 8;

    internal static PollingSettings Create(
        SettingsSection polling, QueueLeaseSettings queue, EnvironmentSettings environment) => new(
        QueueSourceSettings.Create(polling, queue),
        environment.IsAws ? PaidLinger : LocalLinger,
        environment.IsAws ? PaidAcknowledgeLinger : LocalLinger,
        environment.IsAws ? RemoteFetchers : LocalFetchers,
        polling.WholeNumberOrCores("decoders", 1, 256),
        queue.MaxReceives);
}

/// <summary>How a node runs the model.</summary>
/// <param name="Arrangement">The classifiers, their threads and their batches.</param>
/// <param name="Timeout">The time-out of a run.</param>
/// <param name="MaxFailures">The node ends after this number of failed pictures in a row.</param>
public sealed record ClassificationSettings(RunArrangement Arrangement, TimeSpan Timeout, int MaxFailures)
{
    // Enough that a few bad pictures in a row do not end a node. Few enough that a broken node spoils little.
    private const int FewestFailures = 10;

    /// <summary>Reads <c>image-classifier.node.classification</c>, except the settings of the model. The arrangement is
    /// <see cref="ArrangementSettings.Default"/>.</summary>
    /// <param name="config">The whole configuration.</param>
    /// <param name="cores">The number of cores of the node's machine; null if the node runs on another machine.</param>
    /// <exception cref="InvalidSettingException">A value is wrong, or the threads are more than the cores.</exception>
    public static ClassificationSettings Create(Config config, int? cores)
    {
        var section = new SettingsSection(config, "image-classifier.node.classification");
        return new ClassificationSettings(
            ArrangementSettings.Create(config, cores).Default,
            section.Duration("timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            // More than the tries of one picture, so that one picture alone ends no node.
            Math.Max(FewestFailures, QueueSettings.Create(config).Requests.MaxReceives + 1));
    }
}

/// <summary>When a node ends itself.</summary>
/// <param name="MaxEmptyPolls">The node ends after this number of empty polls in a row, if no message is
/// visible.</param>
/// <param name="MinLifetime">The time after its start before which an idle node does not end.</param>
/// <param name="CutOffLimit">The node ends after all polls have failed for this time.</param>
public sealed record TerminationSettings(int MaxEmptyPolls, TimeSpan MinLifetime, TimeSpan CutOffLimit)
{
    // Longer than a queue is away in the ordinary run of things. A node that is cut off costs money and does nothing.
    private static readonly TimeSpan LongestCutOff = TimeSpan.FromMinutes(10);

    internal static TerminationSettings Create(SettingsSection section) => new(
        section.WholeNumber("max-empty-polls", 1, 1_000_000),
        section.Duration("min-lifetime", TimeSpan.Zero, TimeSpan.FromDays(1)),
        LongestCutOff);
}
