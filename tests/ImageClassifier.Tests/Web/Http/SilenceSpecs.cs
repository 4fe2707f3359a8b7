using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>No error answer reveals where the service runs or how it is built.</summary>
public sealed class SilenceSpecs
{
    private const string Secret = "/var/lib/pictures/secret";

    private static readonly string[] Telling =
    [
        Secret, "secret", "Exception", "   at ", ".cs", "System.", "Akka", "ImageClassifier.", "Kestrel", "Microsoft",
        Repository.Root, AppContext.BaseDirectory,
    ];

    public static TheoryData<string, string> Calls => new()
    {
        { "POST", "/" },
        { "POST", "/api/classify" },
        { "POST", "/api/batches" },
        { "GET", "/api/batches/{batch}" },
        { "DELETE", "/api/batches/{batch}" },
        { "GET", "/api/batches/{batch}/events" },
        { "GET", "/api/batches/{batch}/images/{job}" },
        { "GET", "/health/ready" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task No_detail_is_revealed_while_the_store_is_unavailable(string method, string address) =>
        await AssertSilentAsync(method, address, new IOException($"Could not open {Secret}."), 503);

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task No_detail_is_revealed_by_an_unexpected_failure(string method, string address) =>
        await AssertSilentAsync(
            method, address, new InvalidOperationException($"{Secret} is not as it should be."), 500, 503);

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task No_detail_is_revealed_when_a_call_hangs(string method, string address) =>
        await AssertSilentAsync(method, address, new TimeoutException($"{Secret} took too long."), 500, 503);

    [Fact]
    public async Task No_detail_is_revealed_while_a_queue_is_unavailable()
    {
        await using var tier = await RunningWebTier.StartAsync();
        foreach (var queue in (FakeMessageQueue[])[tier.Requests, tier.Responses])
        {
            queue.FailNext(QueueCall.Measure, times: 1000, new QueueUnavailableException($"{Secret} is locked."));
            using var ready = await tier.Client.GetAsync("/health/ready", tier.InTime);
            await AssertSilentAsync(ready, 503);
        }

        tier.Requests.FailNext(QueueCall.Send, times: 1000, new QueueUnavailableException($"{Secret} is locked."));
        using var accepted = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("a.jpg")), tier.InTime);
        await AssertSilentAsync(accepted, 202);
        using var fleet = await tier.Client.GetAsync("/api/fleet", tier.InTime);
        await AssertSilentAsync(fleet, 200);
    }

    [Fact]
    public async Task No_detail_is_revealed_while_no_node_can_be_launched()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Fleet.FailLaunches(times: 1000, new IOException($"Could not start {Secret}."));
        await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        while (true)
        {
            using var fleet = await tier.Client.GetAsync("/api/fleet", tier.InTime);
            await AssertSilentAsync(fleet, 200);
            var text = await fleet.Content.ReadAsStringAsync();
            if (text.Contains("the fleet does not answer", StringComparison.Ordinal)) break;
        }
    }

    [Theory]
    [InlineData("GET / HTTP/9.9\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /api/batches/%ff%fe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    [InlineData("POST /api/batches HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /api/batches HTTP/1.1\r\nHost: a b\r\n\r\n")]
    public async Task No_detail_is_revealed_by_an_invalid_request(string request)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), tier.InTime);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(tier.InTime);
        Assert.Matches(@"\AHTTP/1\.1 [45]\d\d ", answer);
        Assert.DoesNotContain("\nServer:", answer, StringComparison.OrdinalIgnoreCase);
        AssertSilent(answer);
    }

    private static async Task AssertSilentAsync(string method, string address, Exception failure, params int[] statuses)
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Store.Before = (_, _) => Task.FromException(failure);
        using var request = new HttpRequestMessage(new HttpMethod(method), address
            .Replace("{batch}", BatchId.New().Value, StringComparison.Ordinal)
            .Replace("{job}", JobId.New().Value, StringComparison.Ordinal));
        if (method == "POST") request.Content = Upload.Form(Upload.Jpeg("a.jpg"));
        using var answer = await tier.Client.SendAsync(request, tier.InTime);
        await AssertSilentAsync(answer, statuses);
    }

    private static async Task AssertSilentAsync(HttpResponseMessage answer, params int[] statuses)
    {
        Assert.Contains((int)answer.StatusCode, statuses);
        AssertSilent($"{answer.Headers}{answer.Content.Headers}{await answer.Content.ReadAsStringAsync()}");
    }

    private static void AssertSilent(string answer)
    {
        Assert.All(Telling, word => Assert.DoesNotContain(word, answer, StringComparison.OrdinalIgnoreCase));
        // Whole words only: an id can contain a short name by chance.
        Assert.DoesNotMatch($@"(?i)\b{Regex.Escape(Environment.MachineName)}\b", answer);
    }
}
