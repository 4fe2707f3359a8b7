using ImageClassifier.Core;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using Xunit;

namespace ImageClassifier.Tests.Web.Access;

public sealed class AccessSettingsSpecs
{
    [Theory]
    [InlineData("access.allowed-origins", "pictures.example")]
    [InlineData("access.allowed-origins", "https://pictures.example/page")]
    [InlineData("access.allowed-origins", "https://pictures.example?a")]
    [InlineData("access.allowed-origins", "https://me@pictures.example")]
    [InlineData("access.allowed-origins", "ftp://pictures.example")]
    [InlineData("access.allowed-origins", "*")]
    [InlineData("access.rate-limit.uploads.count", "-1")]
    [InlineData("access.rate-limit.uploads.per", "10ms")]
    [InlineData("web.trusted-proxies", "proxy.example")]
    [InlineData("web.trusted-proxies", "10.0.0.0/33")]
    [InlineData("web.trusted-proxies", "10.0.0.7 10.0.0.8")]
    [InlineData("web.max-connections", "0")]
    public void An_invalid_value_is_named(string key, string value)
    {
        var config = Sources.With($"image-classifier.{key}={value}");
        var wrong = Assert.Throws<InvalidSettingException>(() =>
        {
            AccessSettings.Create(config);
            EdgeSettings.Create(config);
        });
        Assert.Equal($"image-classifier.{key}", wrong.Key);
    }

    [Fact]
    public void Lists_are_separated_by_commas()
    {
        var config = Sources.With(
            "image-classifier.access.allowed-origins=https://a.example, http://b.example:8080/",
            "image-classifier.web.trusted-proxies=10.0.0.7,192.168.0.0/16 , ::1, fd00::/8");
        Assert.Equal(
            [new Uri("https://a.example"), new Uri("http://b.example:8080")], AccessSettings.Create(config).AllowedOrigins);
        Assert.Equal(
            ["10.0.0.7/32", "192.168.0.0/16", "::1/128", "fd00::/8"],
            EdgeSettings.Create(config).TrustedProxies.Select(network => network.ToString()));
    }
}
