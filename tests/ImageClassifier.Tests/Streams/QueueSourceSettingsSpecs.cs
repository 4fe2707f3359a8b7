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
        var settings = Create("node.polling", queues => queues.Requests);

        Assert.Equal(
            new QueueSourceSettings(
                TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10), 20,
                TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30)),
            settings);
    }

    [Fact]
    public void The_defaults_of_the_result_listener_can_be_used() =>
        Assert.Equal(100, Create("results.listener", queues => queues.Responses).MaxInFlight);

    [Theory]
    [InlineData("node.polling.max-in-flight", "19")]
    [InlineData("node.polling.wait-time", "21s")]
    [InlineData("node.polling.wait-time", "5")]
    [InlineData("node.polling.max-backoff", "100ms")]
    [InlineData("queues.requests.lease", "0s")]
    [InlineData("queues.requests.max-lease", "29s")]
    public void A_value_out_of_its_range_is_refused_with_its_key(string key, string value)
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => Create("node.polling", queues => queues.Requests, $"image-classifier.{key} = {value}"));

        Assert.Equal($"image-classifier.{key}", failure.Key);
    }

    private static QueueSourceSettings Create(
        string polling, Func<QueueSettings, QueueLeaseSettings> queue, string changes = "")
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var config = ConfigurationFactory.ParseString(changes)
            .WithFallback(ConfigurationFactory.ParseString(reference));
        var root = new SettingsSection(config, "image-classifier");
        return QueueSourceSettings.Create(root.Section(polling), queue(QueueSettings.Create(config)));
    }
}
