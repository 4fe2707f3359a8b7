using System.Net;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Which proxies' forwarded headers count. The test itself is the proxy, on 127.0.0.1.</summary>
public sealed class ProxySpecs
{
    private const string OneUpload = "access.rate-limit.uploads { count = 1, per = 1h }";

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.0/8, 192.0.2.1")]
    public async Task A_header_of_an_untrusted_client_changes_nothing(string trusted)
    {
        await using var tier = await RunningWebTier.StartAsync($"{OneUpload}\nweb.trusted-proxies = \"{trusted}\"");
        Assert.Equal(HttpStatusCode.Accepted, (await UploadAsync(tier, "192.0.2.7", "https")).StatusCode);
        using var answer = await UploadAsync(tier, "192.0.2.8", "https");
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Strict-Transport-Security"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.7, 127.0.0.0/8")]
    public async Task The_headers_of_a_trusted_proxy_count(string trusted)
    {
        await using var tier = await RunningWebTier.StartAsync($"{OneUpload}\nweb.trusted-proxies = \"{trusted}\"");
        using var first = await UploadAsync(tier, "192.0.2.7", "https");
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Assert.True(first.Headers.Contains("Strict-Transport-Security"));
        Assert.True(first.Headers.Contains("Cross-Origin-Opener-Policy"));
        using var plain = await UploadAsync(tier, "192.0.2.8", "http");
        Assert.Equal(HttpStatusCode.Accepted, plain.StatusCode);
        Assert.False(plain.Headers.Contains("Strict-Transport-Security"));
        using var again = await UploadAsync(tier, "192.0.2.7", "https");
        Assert.Equal(HttpStatusCode.TooManyRequests, again.StatusCode);
    }

    [Fact]
    public async Task Addresses_added_by_an_untrusted_proxy_do_not_count()
    {
        await using var tier = await RunningWebTier.StartAsync(
            $"{OneUpload}\nweb.trusted-proxies = \"127.0.0.1, 192.0.2.100\"");
        Assert.Equal(HttpStatusCode.Accepted, (await UploadAsync(tier, "198.51.100.1, 192.0.2.7, 192.0.2.100")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests,
            (await UploadAsync(tier, "198.51.100.2, 192.0.2.7, 192.0.2.100")).StatusCode);
    }

    [Fact]
    public async Task One_IPv6_network_is_one_caller()
    {
        await using var tier = await RunningWebTier.StartAsync($"{OneUpload}\nweb.trusted-proxies = \"127.0.0.1\"");
        Assert.Equal(HttpStatusCode.Accepted, (await UploadAsync(tier, "2001:db8:0:1::7")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await UploadAsync(tier, "2001:db8:0:1:2:3:4:5")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await UploadAsync(tier, "2001:db8:0:2::7")).StatusCode);
    }

    private static async Task<HttpResponseMessage> UploadAsync(
        RunningWebTier tier, string forwardedFor, string? forwardedProto = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
            Headers = { { "X-Forwarded-For", forwardedFor }, { "Host", "pictures.example" } },
        };
        if (forwardedProto is not null) request.Headers.Add("X-Forwarded-Proto", forwardedProto);
        return await tier.Client.SendAsync(request, tier.InTime);
    }
}
