using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class NodeFingerprintSpecs
{
    private static readonly ModelIdentity Model = new("model", new string('a', 64));

    [Fact]
    public void Settings_of_the_web_tier_do_not_change_the_fingerprint()
    {
        Assert.Matches("^[0-9a-f]{16}$", Of(Model));
        Assert.Equal(Of(Model), Of(Model, "image-classifier.web.urls=http://127.0.0.1:1"));
        Assert.Equal(Of(Model), Of(Model, "image-classifier.scaling.max-instances=3"));
    }

    [Theory]
    [InlineData("image-classifier.node.classification.max-pixels=1000")]
    [InlineData("image-classifier.node.polling.max-in-flight=40")]
    [InlineData("image-classifier.queues.requests.max-receives=9")]
    [InlineData("image-classifier.node.references.allowed-networks=10.0.0.0/8")]
    [InlineData("image-classifier.uploads.max-file-size=1MiB")]
    [InlineData("image-classifier.uploads.formats=png")]
    public void Another_node_setting_gives_another_fingerprint(string assignment) =>
        Assert.NotEqual(Of(Model), Of(Model, assignment));

    [Fact]
    public void Another_model_gives_another_fingerprint()
    {
        Assert.NotEqual(Of(Model), Of(Model with { Name = "other" }));
        Assert.NotEqual(Of(Model), Of(Model with { Sha256 = new string('b', 64) }));
    }

    private static string Of(ModelIdentity model, params string[] assignments) =>
        NodeFingerprint.Of(model, ProgramSettings.Load(Sources.Set(assignments)));
}
