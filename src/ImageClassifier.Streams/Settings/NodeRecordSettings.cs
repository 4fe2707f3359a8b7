using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>How a node tells that it lives. Nodes write their records by it, and the web tier judges silence by it.</summary>
/// <param name="Interval">How often a node writes its record.</param>
public sealed record NodeRecordSettings(TimeSpan Interval)
{
    /// <summary>Reads <c>image-classifier.node.record-interval</c>.</summary>
    /// <exception cref="InvalidSettingException">The value is not usable.</exception>
    public static NodeRecordSettings Create(Config config) =>
        new(new SettingsSection(config, "image-classifier.node")
            .Duration("record-interval", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
}
