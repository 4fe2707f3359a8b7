using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>The heartbeat of the nodes. Nodes write their records at this interval, and the web tier judges their
/// silence by it.</summary>
/// <param name="Interval">The interval at which a node writes its record.</param>
public sealed record NodeRecordSettings(TimeSpan Interval)
{
    /// <summary>Reads <c>image-classifier.node.record-interval</c>.</summary>
    /// <exception cref="InvalidSettingException">The value is wrong.</exception>
    public static NodeRecordSettings Create(Config config) =>
        new(new SettingsSection(config, "image-classifier.node")
            .Duration("record-interval", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
}
