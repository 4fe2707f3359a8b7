using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using Xunit;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>Which callbacks an upload may ask for, and the settings that say so.</summary>
public sealed class CallbackRequestsSpecs
{
    [Theory]
    [InlineData(null, CallbackEvents.Batch)]
    [InlineData("batch", CallbackEvents.Batch)]
    [InlineData("job", CallbackEvents.Job)]
    public void A_public_https_address_is_accepted(string? events, CallbackEvents expected)
    {
        Assert.Null(Requests().Check("https://Receiver.example:8443/hook?x=1", events, null, out var wish));
        Assert.Equal(new CallbackWish("https://receiver.example:8443/hook?x=1", expected, null), wish);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void An_upload_without_a_callback_has_no_wish(string? url)
    {
        Assert.Null(Requests().Check(url, null, "some-key", out var wish));
        Assert.Null(wish);
    }

    [Theory]
    [InlineData("http://receiver.example/")]
    [InlineData("ftp://receiver.example/")]
    [InlineData("receiver.example")]
    [InlineData("/hook")]
    [InlineData("https://")]
    [InlineData("https://name:word@receiver.example/")]
    [InlineData("https://name@receiver.example/")]
    [InlineData("https://receiver.example/#part")]
    [InlineData("https://receiver.example/#")]
    [InlineData("https://\u05d0a.example/")]
    [InlineData("https://receiver.example:0/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://10.0.0.1:8443/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[fd00:ec2::254]/")]
    [InlineData("https://[::ffff:169.254.169.254]/")]
    public void Another_address_is_refused(string url)
    {
        Assert.NotNull(Requests().Check(url, null, null, out var wish));
        Assert.Null(wish);
    }

    [Fact]
    public void An_address_that_is_too_long_is_refused() =>
        Assert.NotNull(Requests().Check($"https://receiver.example/{new string('a', 2048)}", null, null, out _));

    [Theory]
    [InlineData("result")]
    [InlineData("1")]
    [InlineData("")]
    public void Other_events_are_refused(string events) =>
        Assert.NotNull(Requests().Check("https://receiver.example/", events, null, out _));

    [Fact]
    public void A_key_without_a_secret_may_not_ask_for_callbacks()
    {
        var requests = Requests("secrets.script = \"" + CallbackSpecs.Secret + "\"");
        Assert.NotNull(requests.Check("https://receiver.example/", null, "other", out _));
        Assert.NotNull(requests.Check("https://receiver.example/", null, null, out _));
        Assert.Null(requests.Check("https://receiver.example/", null, "script", out var wish));
        Assert.Equal("script", wish!.Key);
    }

    [Fact]
    public void An_allowed_network_may_be_called_without_tls()
    {
        var requests = Requests("secrets.anyone = \"" + CallbackSpecs.Secret + "\"\nallowed-networks = \"127.0.0.1\"");
        Assert.Null(requests.Check("http://127.0.0.1:8080/hook", null, null, out _));
        Assert.NotNull(requests.Check("http://10.0.0.1/hook", null, null, out _));
    }

    [Theory]
    [InlineData("secrets.script = \"{0}\"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("secrets.script = \"{0}\"", "whsec_short")]
    [InlineData("secrets.script = \"{0}\"", "whsec_not+base64!")]
    [InlineData("secrets.script = \"{0},{0},{0}\"", CallbackSpecs.Secret)]
    [InlineData("secrets.{0} = x", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    public void A_wrong_secret_stops_the_start_and_is_not_shown(string line, string secret)
    {
        var wrong = Assert.Throws<InvalidSettingException>(
            () => Requests(line.Replace("{0}", secret, StringComparison.Ordinal)));
        Assert.DoesNotContain(secret, wrong.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static CallbackRequests Requests(string settings = "secrets.anyone = \"" + CallbackSpecs.Secret + "\"") =>
        new(CallbackSettings.Create(ConfigurationFactory
            .ParseString($"image-classifier.callbacks {{ {settings} }}")
            .WithFallback(ConfigurationFactory.ParseString("image-classifier.callbacks.allowed-networks = \"\""))));
}
