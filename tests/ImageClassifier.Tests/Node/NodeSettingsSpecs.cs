using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class NodeSettingsSpecs
{
    [Fact]
    public void The_defaults_can_be_used()
    {
        var settings = Create();

        Assert.Equal(5, settings.Polling.MaxReceives);
        Assert.Equal(TimeSpan.FromMilliseconds(50), settings.Polling.Linger);
        Assert.Equal(Environment.ProcessorCount, settings.Polling.Decoders);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Polling.Source.Lease);
        Assert.Equal(1, settings.Classification.Classifiers);
        Assert.Equal(TimeSpan.FromSeconds(60), settings.Classification.Timeout);
        Assert.True(settings.Classification.MaxFailures > settings.Polling.MaxReceives);
        Assert.Equal(3, settings.Termination.MaxEmptyPolls);
        Assert.Equal(TimeSpan.FromMinutes(10), settings.Termination.CutOffLimit);
        Assert.Equal(TimeSpan.Zero, settings.Termination.MinLifetime);
        Assert.Equal(TimeSpan.FromSeconds(10), settings.RecordInterval);
        Assert.Equal(TimeSpan.FromSeconds(15), settings.DrainTimeout);
    }

    [Theory]
    [InlineData("node.polling.linger", "0ms")]
    [InlineData("node.polling.decoders", "0")]
    [InlineData("node.classification.classifiers", "200")]
    [InlineData("node.classification.timeout", "60")]
    [InlineData("node.classification.max-failures", "0")]
    [InlineData("node.termination.max-empty-polls", "0")]
    [InlineData("node.termination.cut-off-limit", "500ms")]
    [InlineData("node.termination.min-lifetime", "25h")]
    [InlineData("node.drain-timeout", "25s")]
    [InlineData("node.record-interval", "500ms")]
    [InlineData("queues.requests.max-receives", "0")]
    public void A_value_that_is_not_allowed_is_refused_with_its_key(string key, string value)
    {
        var failure = Assert.Throws<InvalidSettingException>(() => Create($"image-classifier.{key} = {value}"));

        Assert.Equal($"image-classifier.{key}", failure.Key);
    }

    private static NodeSettings Create(string changes = "")
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        return NodeSettings.Create(ConfigurationFactory.ParseString(changes)
            .WithFallback(ConfigurationFactory.ParseString(reference)));
    }
}
