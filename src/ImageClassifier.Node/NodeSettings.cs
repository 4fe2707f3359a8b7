using System.Globalization;
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

    /// <summary>Reads the settings from the whole configuration.</summary>
    /// <exception cref="InvalidSettingException">One is missing or wrong, or two contradict each other.</exception>
    public static NodeSettings Create(Config config)
    {
        var root = new SettingsSection(config, "image-classifier");
        var node = root.Section("node");
        return new NodeSettings(
            PollingSettings.Create(node.Section("polling"), root.Section("queues.requests")),
            ClassificationSettings.Create(node.Section("classification")),
            TerminationSettings.Create(node.Section("termination")),
            ReadDrainTimeout(config, node),
            node.Duration("record-interval", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
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
    internal static PollingSettings Create(SettingsSection polling, SettingsSection queue)
    {
        return new PollingSettings(
            QueueSourceSettings.Create(polling, queue),
            polling.Duration("linger", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
            polling.Duration("acknowledge-linger", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5)),
            polling.WholeNumber("fetchers", 1, 256),
            polling.WholeNumberOrCores("decoders", 1, 256),
            queue.WholeNumber("max-receives", 1, 1000));
    }
}

/// <summary>How a node runs the model.</summary>
/// <param name="Classifiers">Runs at once.</param>
/// <param name="Threads">Threads of each run.</param>
/// <param name="Timeout">A run that takes longer has failed.</param>
/// <param name="MaxFailures">After so many pictures in a row that could not be classified, the node ends.</param>
public sealed record ClassificationSettings(int Classifiers, int Threads, TimeSpan Timeout, int MaxFailures)
{
    internal static ClassificationSettings Create(SettingsSection section)
    {
        const string Key = "classifiers";
        var cores = Environment.ProcessorCount;
        var classifiers = section.WholeNumberOrCores(Key, 1, 256);
        var threads = section.WholeNumberOrCores("threads", 1, 256);
        if (classifiers * threads > cores)
        {
            throw new InvalidSettingException(
                section.FullKey(Key),
                classifiers.ToString(CultureInfo.InvariantCulture),
                $"with {threads} threads each they are more than the machine's {cores} cores");
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
