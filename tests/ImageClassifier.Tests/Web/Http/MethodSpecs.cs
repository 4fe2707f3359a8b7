using System.Net;
using ImageClassifier.Core;
using ImageClassifier.Web.Access;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The methods of each address, and how the address announces them.</summary>
public sealed class MethodSpecs
{
    private static readonly string Key = ApiKey.New();
    private static readonly string OneKey = $"access.keys {{ alice = \"{ApiKey.SettingOf(Key)}\" }}";
    private static readonly string[] Methods = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];

    // Headers that the server adds to a body, and headers that differ over time.
    private static readonly string[] OfTheBody = ["Content-Length", "Date", "Transfer-Encoding"];

    [Fact]
    public async Task Each_address_accepts_the_methods_of_OPTIONS_and_answers_405_to_others()
    {
        await using var tier = await RunningWebTier.StartAsync(OneKey);
        foreach (var (address, methods) in Addresses(tier, BatchId.New(), JobId.New()))
        {
            using var options = await CallAsync(tier, "OPTIONS", address);
            Assert.Equal(HttpStatusCode.NoContent, options.StatusCode);
            Assert.Equal(methods, options.Content.Headers.Allow.Order());
            foreach (var method in Methods)
            {
                using var answer = await CallAsync(tier, method, address);
                Assert.True(
                    methods.Contains(method) == (answer.StatusCode != HttpStatusCode.MethodNotAllowed),
                    $"{method} {address}: {(int)answer.StatusCode}");
                if (!methods.Contains(method)) Assert.Equal(methods, answer.Content.Headers.Allow.Order());
            }
        }
    }

    [Fact]
    public async Task HEAD_is_answered_like_GET_without_the_body()
    {
        await using var tier = (await RunningWebTier.StartAsync(OneKey)).WithNode();
        tier.Client.DefaultRequestHeaders.Add("X-Api-Key", Key);
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        await tier.UntilAsync(() => tier.Responses.Deleted.Count == 1, "the result is there");
        foreach (var (address, methods) in Addresses(tier, upload.Batch, upload.Jobs[0]))
        {
            if (!methods.Contains("GET")) continue;
            using var get = await CallAsync(tier, "GET", address);
            using var head = await CallAsync(tier, "HEAD", address);
            Assert.Equal(get.StatusCode, head.StatusCode);
            Assert.Equal(HeadersOf(get), HeadersOf(head));
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(tier.InTime));
        }
    }

    [Fact]
    public async Task HEAD_of_an_event_stream_does_not_wait_for_events()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var head = await CallAsync(tier, "HEAD", $"/api/batches/{upload.Batch}/events");
        Assert.Equal("text/event-stream", head.Content.Headers.ContentType!.MediaType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(tier.InTime));
    }

    [Theory]
    [InlineData("/nothing")]
    [InlineData("/api/batches/a/b/c/d")]
    [InlineData("/../secret")]
    public async Task OPTIONS_of_an_unknown_address_is_404(string address)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await CallAsync(tier, "OPTIONS", address);
        await answer.ProblemAsync(HttpStatusCode.NotFound, "error");
    }

    [Theory]
    [InlineData("https://elsewhere.example")]
    [InlineData("https://pictures.example")]
    public async Task A_CORS_preflight_is_refused(string origin)
    {
        await using var tier = await RunningWebTier.StartAsync("access.allowed-origins = \"https://pictures.example\"");
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/api/batches");
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        using var answer = await tier.Client.SendAsync(preflight, tier.InTime);
        await answer.ProblemAsync(HttpStatusCode.Forbidden, "cross-site-refused");
        Assert.DoesNotContain(
            answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.Ordinal));
    }

    /// <summary>The addresses of all calls and of some page files, each with its methods in order.</summary>
    private static Dictionary<string, string[]> Addresses(RunningWebTier tier, BatchId batch, JobId job)
    {
        var addresses = tier.Calls
            .GroupBy(call => call.RoutePattern.RawText!
                .Replace("{batchId}", batch.Value, StringComparison.Ordinal)
                .Replace("{jobId}", job.Value, StringComparison.Ordinal))
            .ToDictionary(
                calls => calls.Key,
                calls => calls.SelectMany(call => call.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods));
        addresses["/"] = ["GET", "HEAD", "POST"];
        addresses["/index.html"] = addresses["/app.js"] = ["GET", "HEAD"];
        return addresses.ToDictionary(
            address => address.Key, address => address.Value.Append("OPTIONS").Distinct().Order().ToArray());
    }

    private static Task<HttpResponseMessage> CallAsync(RunningWebTier tier, string method, string address)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), address);
        if (method == "POST") request.Content = Upload.Form(Upload.Jpeg("a.jpg", Upload.Undecodable));
        return tier.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, tier.InTime);
    }

    private static string[] HeadersOf(HttpResponseMessage answer) =>
    [
        .. answer.Headers.Concat(answer.Content.Headers)
            .Where(header => !OfTheBody.Contains(header.Key))
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}")
            .Order(StringComparer.Ordinal),
    ];
}
