using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node;
using ImageClassifier.Streams.Settings;
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
        Assert.Equal(TimeSpan.FromMilliseconds(5), settings.Polling.Linger);
        Assert.Equal(Environment.ProcessorCount, settings.Polling.Decoders);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Polling.Source.Lease);
        Assert.Equal(new RunArrangement(1, Environment.ProcessorCount, 4), settings.Classification.Arrangement);
        Assert.Equal(TimeSpan.FromSeconds(60), settings.Classification.Timeout);
        Assert.True(settings.Classification.MaxFailures > settings.Polling.MaxReceives);
        Assert.Equal(3, settings.Termination.MaxEmptyPolls);
        Assert.Equal(TimeSpan.FromMinutes(10), settings.Termination.CutOffLimit);
        Assert.Equal(TimeSpan.Zero, settings.Termination.MinLifetime);
        Assert.Equal(new NodeRecordSettings(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15)), settings.Records);
        Assert.Equal(TimeSpan.FromSeconds(15), settings.DrainTimeout);
    }

    [Theory]
    [InlineData("node.polling.decoders", "0")]
    [InlineData("node.classification.classifiers", "200")]
    [InlineData("node.classification.timeout", "60")]
    [InlineData("node.termination.max-empty-polls", "0")]
    [InlineData("node.termination.min-lifetime", "25h")]
    [InlineData("queues.requests.max-receives", "0")]
    public void A_value_that_is_not_allowed_is_refused_with_its_key(string key, string value)
    {
        var failure = Assert.Throws<InvalidSettingException>(() => Create($"image-classifier.{key} = {value}"));

        Assert.Equal($"image-classifier.{key}", failure.Key);
    }

    [Fact]
    public void A_picture_that_fails_at_every_try_ends_no_node_alone()
    {
        var settings = Create("image-classifier.queues.requests.max-receives = 100");

        Assert.True(settings.Classification.MaxFailures > 100);
    }

    [Fact]
    public void A_shutdown_phase_shorter_than_a_drain_is_refused()
    {
        const string Phase = "akka.coordinated-shutdown.phases.service-requests-done.timeout";

        var failure = Assert.Throws<InvalidSettingException>(() => Create($"{Phase} = 15s"));

        Assert.Equal(Phase, failure.Key);
    }

    [Theory]
    [InlineData("classifiers = 8, threads = 4", 8, 4)]
    [InlineData("classifiers = 1, threads = cores", 1, 256)]
    public void Threads_for_the_cores_of_another_machine_are_accepted(string changes, int classifiers, int threads)
    {
        var settings = NodeSettings.Create(
            Config($"image-classifier.node.classification {{ {changes} }}"), cores: null).Classification;

        Assert.Equal(new RunArrangement(classifiers, threads, 4), settings.Arrangement);
    }

    [Theory]
    [InlineData("classifiers = cores, threads = 2", null)]
    [InlineData("classifiers = 16, threads = 17", null)]
    [InlineData("classifiers = 3, threads = 1", 2)]
    [InlineData("classifiers = cores, threads = cores", 2)]
    public void More_threads_than_cores_are_refused(string changes, int? cores)
    {
        var failure = Assert.Throws<InvalidSettingException>(() => NodeSettings.Create(
            Config($"image-classifier.node.classification {{ {changes} }}"), cores));

        Assert.Equal("image-classifier.node.classification.classifiers", failure.Key);
        Assert.Contains("lower one of the two", failure.Message, StringComparison.Ordinal);
    }

    private static NodeSettings Create(string changes = "") => NodeSettings.Create(Config(changes));

    private static Config Config(string changes)
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        return ConfigurationFactory.ParseString(changes).WithFallback(ConfigurationFactory.ParseString(reference));
    }
}
