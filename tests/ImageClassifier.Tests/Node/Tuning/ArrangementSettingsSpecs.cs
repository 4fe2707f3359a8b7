using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Node.Tuning;

public sealed class ArrangementSettingsSpecs
{
    [Theory]
    [InlineData(1, null, null, "1x1")]
    [InlineData(2, null, null, "1x2 2x1")]
    [InlineData(6, null, null, "1x6 6x1 3x2 2x3")]
    [InlineData(7, null, null, "1x7 7x1")]
    [InlineData(16, null, null, "1x16 16x1 8x2 4x4 2x8")]
    [InlineData(64, null, null, "1x64 64x1 32x2 16x4 8x8 4x16 2x32")]
    [InlineData(8, 2, null, "2x4 2x1 2x2")]
    [InlineData(7, 3, null, "3x2 3x1")]
    [InlineData(8, null, 3, "2x3")]
    [InlineData(8, 2, 4, "2x4")]
    public void Shapes_use_the_cores_fully_and_obey_the_settings(int cores, int? classifiers, int? threads, string shapes)
    {
        var settings = new ArrangementSettings(classifiers, threads, Batch: null, cores);

        Assert.Equal(shapes, string.Join(' ', settings.Shapes().Select(shape => $"{shape.Classifiers}x{shape.Threads}")));
        Assert.All(settings.Shapes(), shape => Assert.True(settings.Allows(shape)));
    }

    [Theory]
    [InlineData(null, 16, "1 2 4 8 16")]
    [InlineData(null, 1, "1")]
    [InlineData(null, 3, "1 2 3")]
    [InlineData(null, 32, "1 2 4 8 16 32")]
    [InlineData(6, 16, "6")]
    [InlineData(6, 4, "4")]
    public void Batches_go_up_to_what_the_model_takes(int? batch, int most, string batches) =>
        Assert.Equal(
            batches,
            string.Join(' ', new ArrangementSettings(null, null, batch, Cores: 2).BatchesUpTo(most)));

    [Theory]
    [InlineData("", 8, 1, 8, 4)]
    [InlineData("classifiers = 2", 8, 2, 4, 4)]
    [InlineData("threads = 2", 8, 4, 2, 4)]
    [InlineData("threads = cores", 8, 1, 8, 4)]
    [InlineData("classifiers = cores, max-batch = 32", 8, 8, 1, 32)]
    public void The_default_uses_all_cores(string changes, int cores, int classifiers, int threads, int batch) =>
        Assert.Equal(new RunArrangement(classifiers, threads, batch), Read(changes, cores).Default);

    [Fact]
    public void A_value_that_is_not_auto_is_pinned()
    {
        var settings = Read("threads = 2, max-batch = 8", cores: 4);

        Assert.Equal(new ArrangementSettings(null, 2, 8, 4), settings);
        Assert.True(settings.Allows(new RunArrangement(2, 2, 8)));
        Assert.False(settings.Allows(new RunArrangement(2, 1, 8)));
        Assert.True(settings.Allows(new RunArrangement(2, 2, 1)));
        Assert.False(settings.Allows(new RunArrangement(2, 2, 9)));
        Assert.False(settings.Allows(new RunArrangement(3, 2, 8)));
        Assert.False(settings.Allows(new RunArrangement(0, 2, 8)));
    }

    [Theory]
    [InlineData("classifiers", "automatic", "cores, or auto")]
    [InlineData("threads", "0", "cores, or auto")]
    [InlineData("max-batch", "cores", "or auto")]
    [InlineData("max-batch", "1025", "from 1 to 1024")]
    public void A_wrong_value_is_refused(string key, string value, string allowed)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => Read($"{key} = {value}", cores: 4));

        Assert.Equal($"image-classifier.node.classification.{key}", wrong.Key);
        Assert.Contains(allowed, wrong.Message, StringComparison.Ordinal);
    }

    private static ArrangementSettings Read(string changes, int cores)
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var config = ConfigurationFactory.ParseString($"image-classifier.node.classification {{ {changes} }}")
            .WithFallback(ConfigurationFactory.ParseString(reference));
        return ArrangementSettings.Create(config, cores);
    }
}
