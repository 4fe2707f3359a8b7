using System.Text.Json;
using ImageClassifier.Host.CommandLine;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class NewKeySpecs
{
    [Fact]
    public void It_prints_the_key_and_the_setting_that_accepts_it()
    {
        var key = NewKey.For("upload-script");
        using var output = new StringWriter();
        key.Print(output, asJson: false);
        Assert.Contains($"  {key.Key}\n", output.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            $"  image-classifier.access.keys.upload-script = \"{key.Hash}\"\n", output.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            $"  IMAGE_CLASSIFIER__ACCESS__KEYS__UPLOAD_SCRIPT={key.Hash}\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void With_json_it_prints_one_object()
    {
        var key = NewKey.For("me");
        using var output = new StringWriter();
        key.Print(output, asJson: true);
        var document = JsonDocument.Parse(output.ToString()).RootElement;
        Assert.Equal(key.Key, document.GetProperty("key").GetString());
        Assert.Equal(key.Hash, document.GetProperty("hash").GetString());
        Assert.Equal("me", document.GetProperty("name").GetString());
    }
}
