using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Streams;

public sealed class QueueSourceSettingsSpecs
{
    [Fact]
    public void The_defaults_of_the_node_can_be_used()
    {
        var settings = Create();

        Assert.Equal(
            new QueueSourceSettings(
                TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10), 20,
                TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5)),
            settings);
    }

    [Theory]
    [InlineData("node.polling.max-in-flight", "19")]
    [InlineData("node.polling.wait-time", "21s")]
    [InlineData("node.polling.wait-time", "5")]
    [InlineData("queues.requests.lease", "0s")]
    public void A_value_out_of_its_range_is_refused_with_its_key(string key, string value)
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => Create($"image-classifier.{key} = {value}"));

        Assert.Equal($"image-classifier.{key}", failure.Key);
    }

    private static QueueSourceSettings Create(string changes = "")
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var config = ConfigurationFactory.ParseString(changes)
            .WithFallback(ConfigurationFactory.ParseString(reference));
        var root = new SettingsSection(config, "image-classifier");
        return QueueSourceSettings.Create(root.Section("node.polling"), QueueSettings.Create(config).Requests);
    }
}
