using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Node;

/// <summary>The settings of an app node: <c>image-classifier.node</c>, and what it needs of its queue's.</summary>
/// <param name="Polling">How work is taken.</param>
/// <param name="Classification">How the model is run.</param>
/// <param name="Termination">When the node ends itself.</param>
/// <param name="DrainTimeout">How long a drain may take; what is left then returns to the queue.</param>
/// <param name="RecordInterval">How often the node writes its record into the store.</param>
public sealed record NodeSettings(
    PollingSettings Polling,
    ClassificationSettings Classification,
    TerminationSettings Termination,
    TimeSpan DrainTimeout,
    TimeSpan RecordInterval)
{
    private const string ShutdownPhase = "akka.coordinated-shutdown.phases.service-requests-done.timeout";
    private static readonly TimeSpan LongestDrain = TimeSpan.FromHours(1);

    /// <summary>Reads the settings of a node on this machine.</summary>
    /// <exception cref="InvalidSettingException">One is missing or wrong, or two contradict each other.</exception>
    public static NodeSettings Create(Config config) => Create(config, Environment.ProcessorCount);

    /// <summary>Reads the settings of a node.</summary>
    /// <param name="config">The whole configuration.</param>
    /// <param name="cores">The cores of its machine; null where the node runs on another machine, so that only what no
    /// machine can do is refused.</param>
    /// <exception cref="InvalidSettingException">One is missing or wrong, or two contradict each other.</exception>
    public static NodeSettings Create(Config config, int? cores)
    {
        var node = new SettingsSection(config, "image-classifier.node");
        var requests = QueueSettings.Create(config).Requests;
        var classification = ClassificationSettings.Create(config, cores);
        if (classification.MaxFailures <= requests.MaxReceives)
        {
            throw node.Section("classification").Invalid("max-failures",
                $"a number above queues.requests.max-receives ({requests.MaxReceives}), or one picture ends a node");
        }

        return new NodeSettings(
            PollingSettings.Create(node.Section("polling"), requests),
            classification,
            TerminationSettings.Create(node.Section("termination")),
            ReadDrainTimeout(config, node),
            NodeRecordSettings.Create(config).Interval);
    }

    // Past the phase's timeout the actors are stopped, drained or not.
    private static TimeSpan ReadDrainTimeout(Config config, SettingsSection node)
    {
        const string Key = "drain-timeout";
        var timeout = node.Duration(Key, TimeSpan.FromMilliseconds(100), LongestDrain);
        if (!config.HasPath(ShutdownPhase) || timeout < config.GetTimeSpan(ShutdownPhase)) return timeout;
        throw new InvalidSettingException(
            node.FullKey(Key), node.Text(Key), $"it must be shorter than {ShutdownPhase}");
    }
}

/// <summary>How a node takes work.</summary>
/// <param name="Source">How the request queue is polled.</param>
/// <param name="Linger">How long results wait for others to share their calls.</param>
/// <param name="AcknowledgeLinger">How long deletes wait for others to share their call; no one waits for them.</param>
/// <param name="Fetchers">Pictures that are read from the store, or wait to be decoded, at once.</param>
/// <param name="Decoders">Pictures that are decoded at once.</param>
/// <param name="MaxReceives">A job received more often fails where this try comes to nothing too.</param>
public sealed record PollingSettings(
    QueueSourceSettings Source,
    TimeSpan Linger,
    TimeSpan AcknowledgeLinger,
    int Fetchers,
    int Decoders,
    int MaxReceives)
{
    internal static PollingSettings Create(SettingsSection polling, QueueLeaseSettings queue) => new(
        QueueSourceSettings.Create(polling, queue),
        polling.Duration("linger", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
        polling.Duration("acknowledge-linger", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5)),
        polling.WholeNumber("fetchers", 1, 256),
        polling.WholeNumberOrCores("decoders", 1, 256),
        queue.MaxReceives);
}

/// <summary>How a node runs the model.</summary>
/// <param name="Classifiers">Runs at once.</param>
/// <param name="Threads">Threads of each run.</param>
/// <param name="Timeout">A run that takes longer has failed.</param>
/// <param name="MaxFailures">After so many pictures in a row that could not be classified, the node ends.</param>
public sealed record ClassificationSettings(int Classifiers, int Threads, TimeSpan Timeout, int MaxFailures)
{
    // No machine has more cores.
    private const int MostCores = 256;

    /// <summary>Reads <c>image-classifier.node.classification</c>, but for what is the model's own.</summary>
    /// <param name="config">The whole configuration.</param>
    /// <param name="cores">The cores of the node's machine; null where that is another machine.</param>
    /// <exception cref="InvalidSettingException">A value is not usable, or they are more than the cores.</exception>
    public static ClassificationSettings Create(Config config, int? cores)
    {
        const string Key = "classifiers";
        var section = new SettingsSection(config, "image-classifier.node.classification");
        var most = cores ?? MostCores;
        var classifiers = section.WholeNumberOrCores(Key, 1, MostCores, most);
        var threads = section.WholeNumberOrCores("threads", 1, MostCores, most);
        if (classifiers * threads > most)
        {
            var machine = cores is null ? "any machine has" : $"this machine has ({cores})";
            throw new InvalidSettingException(
                section.FullKey(Key),
                section.Text(Key),
                $"with threads = {section.Text("threads")} they need more cores than {machine}; lower one of the two");
        }

        return new ClassificationSettings(
            classifiers,
            threads,
            section.Duration("timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            section.WholeNumber("max-failures", 1, 1_000_000));
    }
}

/// <summary>When a node ends itself.</summary>
/// <param name="MaxEmptyPolls">After so many empty polls in a row, with nothing waiting.</param>
/// <param name="MinLifetime">Not before so long after its start.</param>
/// <param name="CutOffLimit">After so long in which all polls failed.</param>
public sealed record TerminationSettings(int MaxEmptyPolls, TimeSpan MinLifetime, TimeSpan CutOffLimit)
{
    internal static TerminationSettings Create(SettingsSection section) => new(
        section.WholeNumber("max-empty-polls", 1, 1_000_000),
        section.Duration("min-lifetime", TimeSpan.Zero, TimeSpan.FromDays(1)),
        section.Duration("cut-off-limit", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
}
