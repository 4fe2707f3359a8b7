using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Access;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Which calls need a key, and how often a caller may call.</summary>
public sealed class AccessSpecs
{
    private const int SomeMegabytes = 6 << 20;

    private static readonly string Alice = ApiKey.New();
    private static readonly string Bob = ApiKey.New();

    private static readonly string TwoKeys =
        $"access.keys {{ alice = \"{ApiKey.SettingOf(Alice)}\", bob-s-script = \"{ApiKey.SettingOf(Bob)}\" }}";

    [Theory]
    [InlineData("POST", "/")]
    [InlineData("POST", "/api/classify")]
    [InlineData("POST", "/api/batches")]
    [InlineData("DELETE", "/api/batches/{batch}")]
    [InlineData("GET", "/api/fleet")]
    public async Task Uploads_deletions_and_the_fleet_need_a_key(string method, string address)
    {
        await using var tier = (await RunningWebTier.StartAsync(TwoKeys)).WithNode();
        (string? Key, string Type)[] refused = [(null, "key-needed"), ("", "wrong-key"), (ApiKey.New(), "wrong-key")];
        foreach (var (key, type) in refused)
        {
            using var answer = await CallAsync(tier, method, address, key);
            await answer.ProblemAsync(HttpStatusCode.Unauthorized, type);
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        }

        Assert.Empty(tier.Keys);
        foreach (var key in (string[])[Alice, Bob])
        {
            using var answer = await CallAsync(tier, method, address, key);
            Assert.NotEqual(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/app.js")]
    [InlineData("/api/batches/{batch}")]
    [InlineData("/api/batches/{batch}/images/{job}")]
    [InlineData("/api/batches/{batch}/events")]
    [InlineData("/health/live")]
    [InlineData("/health/serving")]
    [InlineData("/health/ready")]
    public async Task Batches_the_page_and_health_need_no_key(string address)
    {
        await using var tier = (await RunningWebTier.StartAsync(TwoKeys)).WithNode();
        tier.Client.DefaultRequestHeaders.Add("X-Api-Key", Alice);
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        tier.Client.DefaultRequestHeaders.Clear();
        using var answer = await tier.Client.GetAsync(Fill(address, upload.Batch, upload.Jobs[0]), tier.InTime);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("Authorization", "Bearer {0}", true)]
    [InlineData("Authorization", "bearer  {0}", true)]
    [InlineData("X-Api-Key", "{0}", true)]
    [InlineData("Authorization", "{0}", false)]
    [InlineData("Authorization", "Basic {0}", false)]
    [InlineData("Authorization", "Bearer{0}", false)]
    [InlineData("X-Api-Key", "Bearer {0}", false)]
    [InlineData("X-Api-Key", "{0}x", false)]
    public async Task A_key_can_be_a_bearer_token_or_in_its_own_header(string header, string value, bool isLetIn)
    {
        await using var tier = await RunningWebTier.StartAsync(TwoKeys);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/fleet");
        request.Headers.TryAddWithoutValidation(
            header, string.Format(System.Globalization.CultureInfo.InvariantCulture, value, Bob));
        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal(isLetIn ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task The_keys_own_header_has_priority_over_the_bearer_token()
    {
        await using var tier = await RunningWebTier.StartAsync(TwoKeys);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/fleet");
        request.Headers.Add("Authorization", "Basic dXNlcjpwYXNz");
        request.Headers.Add("X-Api-Key", Alice);
        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_refusal_comes_before_the_body_and_the_client_can_read_it()
    {
        await using var tier = await RunningWebTier.StartAsync(
            TwoKeys + "\nuploads.max-request-size = 1MiB\naccess.rate-limit.uploads { count = 1, per = 1m }");
        Assert.Equal("HTTP/1.1 401 Unauthorized", await AnswerToHeadersAloneAsync(tier, ""));
        using var first = await CallAsync(tier, "POST", "/api/batches", Alice);
        Assert.Equal(
            "HTTP/1.1 429 Too Many Requests", await AnswerToHeadersAloneAsync(tier, $"X-Api-Key: {Alice}\r\n"));

        (string? Key, HttpStatusCode Status, string Type)[] refused =
        [
            (null, HttpStatusCode.Unauthorized, "key-needed"),
            (Alice, HttpStatusCode.TooManyRequests, "too-many-uploads"),
        ];
        foreach (var (key, status, type) in refused)
        {
            using var answer = await CallAsync(
                tier, "POST", "/api/batches", key, Upload.JpegOf("large.jpg", SomeMegabytes));
            await answer.ProblemAsync(status, type);
        }
    }

    [Fact]
    public async Task Uploads_are_limited_per_key_and_the_limit_recovers()
    {
        await using var tier = (await RunningWebTier.StartAsync(
            TwoKeys + "\naccess.rate-limit.uploads { count = 2, per = 1s }")).WithNode();
        foreach (var address in (string[])["/", "/api/batches"])
        {
            using var answer = await CallAsync(tier, "POST", address, Alice);
            Assert.True(answer.IsSuccessStatusCode);
        }

        await RefusedForRateAsync(tier, Alice);
        using var other = await CallAsync(tier, "POST", "/api/batches", Bob);
        Assert.Equal(HttpStatusCode.Accepted, other.StatusCode);
        using var reading = await CallAsync(tier, "GET", "/api/fleet", Alice);
        Assert.Equal(HttpStatusCode.OK, reading.StatusCode);

        while (true)
        {
            using var later = await CallAsync(tier, "POST", "/api/batches", Alice);
            if (later.StatusCode == HttpStatusCode.Accepted) break;
        }
    }

    [Fact]
    public async Task An_idempotency_key_belongs_to_its_caller()
    {
        await using var tier = await RunningWebTier.StartAsync(TwoKeys);
        var batches = new List<string>();
        foreach (var key in (string[])[Alice, Bob, Alice])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
            {
                Content = Upload.Form(Upload.Jpeg("a.jpg")),
            };
            request.Headers.Add("X-Api-Key", key);
            request.Headers.Add("Idempotency-Key", "same");
            using var answer = await tier.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            batches.Add(await answer.Content.ReadAsStringAsync());
        }

        Assert.Equal(batches[0], batches[2]);
        Assert.NotEqual(batches[0], batches[1]);
    }

    [Fact]
    public async Task Without_keys_uploads_are_limited_per_address()
    {
        await using var tier = await RunningWebTier.StartAsync(
            "access.rate-limit.uploads { count = 2, per = 1m }");
        await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        await tier.UploadAsync(Upload.Jpeg("b.jpg"));
        using var refused = await CallAsync(tier, "POST", "/api/batches", null);
        await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "too-many-uploads");
        refused.AssertComeBack();
    }

    [Fact]
    public async Task Calls_without_a_right_key_are_limited_and_a_right_key_still_works()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(
            TwoKeys,
            tier => tier with
            {
                Access = tier.Access with { Refusals = new RateLimitSettings(3, 1, TimeSpan.FromMinutes(1)) },
            },
            log: log);
        for (var i = 0; i < 3; i++)
        {
            using var wrong = await CallAsync(tier, "GET", "/api/fleet", i == 0 ? null : $"guess {i}");
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        for (var i = 0; i < 5; i++)
        {
            using var limited = await CallAsync(tier, "GET", "/api/fleet", "another guess");
            await limited.ProblemAsync(HttpStatusCode.TooManyRequests, "too-many-refusals");
            limited.AssertComeBack();
        }

        using var right = await CallAsync(tier, "GET", "/api/fleet", Alice);
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        Assert.Equal(3, log.Lines.Count(line => line.Contains("was refused", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_log_contains_the_keys_name_and_never_the_key()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(TwoKeys, log: log);
        var wrong = ApiKey.New();
        using var guess = await CallAsync(tier, "POST", "/api/batches", wrong);
        using var deletion = await CallAsync(tier, "DELETE", "/api/batches/{batch}", wrong);
        // The failure comes first: an accepted upload writes to the store after its answer and could take the failure.
        tier.Store.FailNext(StoreCall.Put);
        using var failed = await CallAsync(tier, "POST", "/api/batches", Alice);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        using var accepted = await CallAsync(tier, "POST", "/api/batches", Bob);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        await tier.UntilAsync(() => Matching("by alice").Length == 1, "both uploads have their line");
        Assert.Single(Matching("POST /api/batches by bob-s-script from 127.0.0.1: 202"));
        Assert.Contains(": 503", Assert.Single(Matching("by alice")), StringComparison.Ordinal);
        Assert.Contains("key alice]", Assert.Single(Matching("store does not accept it")), StringComparison.Ordinal);
        // The batch id is the right to read the batch, so it is not in the line.
        foreach (var call in (string[])["POST /api/batches", "DELETE /api/batches/{batchId}"])
            Assert.Single(Matching($"{call} from 127.0.0.1 was refused: it has a wrong key"));
        Assert.All(log.Lines, line =>
        {
            foreach (var key in (string[])[Alice, Bob, wrong])
                Assert.DoesNotContain(key, line, StringComparison.Ordinal);
        });

        string[] Matching(string text) => [.. log.Lines.Where(line => line.Contains(text, StringComparison.Ordinal))];
    }

    [Theory]
    [InlineData("https://elsewhere.example", false)]
    [InlineData("null", false)]
    [InlineData("http://{host}", true)]
    [InlineData("https://pictures.example", true)]
    [InlineData(null, true)]
    public async Task Without_keys_pages_of_other_sites_are_refused(
        string? origin, bool isLetIn)
    {
        await using var tier = await RunningWebTier.StartAsync("access.allowed-origins = \"https://pictures.example\"");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
        };
        if (origin is not null)
            request.Headers.Add("Origin", origin.Replace("{host}", tier.Address.Authority, StringComparison.Ordinal));
        using var answer = await tier.Client.SendAsync(request);
        if (isLetIn) Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        else await answer.ProblemAsync(HttpStatusCode.Forbidden, "origin-refused");
    }

    [Theory]
    [InlineData("evil.example", false)]
    [InlineData("192.0.2.7.evil.example", false)]
    [InlineData("localhost", true)]
    [InlineData("server", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("192.0.2.7", true)]
    [InlineData("[::1]", true)]
    [InlineData("pictures.example", true)]
    public async Task Without_keys_DNS_rebinding_is_refused(
        string host, bool isLetIn)
    {
        await using var tier = await RunningWebTier.StartAsync("access.allowed-origins = \"http://pictures.example:7\"");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
        };
        request.Headers.Host = $"{host}:7";
        request.Headers.Add("Origin", $"http://{host}:7");
        using var answer = await tier.Client.SendAsync(request);
        if (isLetIn) Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        else await answer.ProblemAsync(HttpStatusCode.Forbidden, "host-refused");

        // A rebound page reads without an Origin header, and opens sockets with one.
        using var reading = new HttpRequestMessage(HttpMethod.Get, "/api/fleet");
        reading.Headers.Host = $"{host}:7";
        using var fleet = await tier.Client.SendAsync(reading);
        if (isLetIn) Assert.Equal(HttpStatusCode.OK, fleet.StatusCode);
        else await fleet.ProblemAsync(HttpStatusCode.Forbidden, "host-refused");
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Host", $"{host}:7");
        socket.Options.SetRequestHeader("Origin", $"http://{host}:7");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(
            new Uri($"ws://{tier.Address.Authority}/ws?batch={BatchId.New()}"), tier.InTime));
        Assert.Equal(isLetIn ? HttpStatusCode.NotFound : HttpStatusCode.Forbidden, socket.HttpStatusCode);
    }

    [Fact]
    public async Task Without_keys_the_machines_own_names_are_accepted()
    {
        await using var tier = await RunningWebTier.StartAsync();
        foreach (var host in (string[])[Dns.GetHostName(), $"{Dns.GetHostName()}.local"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/fleet");
            request.Headers.Host = host;
            using var answer = await tier.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Programs_upload_under_any_host_name_and_with_keys_pages_do_too(bool withKeys)
    {
        await using var tier = await RunningWebTier.StartAsync(withKeys ? TwoKeys : "");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
        };
        request.Headers.Host = "pictures.example";
        if (withKeys)
        {
            request.Headers.Add("Origin", "http://pictures.example");
            request.Headers.Add("X-Api-Key", Alice);
        }

        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
    }

    /// <summary>Uploads until the rate limit refuses.</summary>
    private static async Task RefusedForRateAsync(RunningWebTier tier, string key)
    {
        while (true)
        {
            using var answer = await CallAsync(tier, "POST", "/api/batches", key);
            if (answer.StatusCode != HttpStatusCode.TooManyRequests) continue;
            answer.AssertComeBack();
            return;
        }
    }

    private static async Task<HttpResponseMessage> CallAsync(
        RunningWebTier tier, string method, string address, string? key, Upload? file = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), Fill(address, BatchId.New(), JobId.New()));
        if (method == "POST") request.Content = Upload.Form(file ?? Upload.Jpeg("a.jpg"));
        if (key is not null) request.Headers.TryAddWithoutValidation("X-Api-Key", key);
        return await tier.Client.SendAsync(request, tier.InTime);
    }

    private static string Fill(string address, BatchId batch, JobId job) => address
        .Replace("{batch}", batch.Value, StringComparison.Ordinal)
        .Replace("{job}", job.Value, StringComparison.Ordinal);

    /// <summary>The answer to the headers of an upload whose body is never sent.</summary>
    private static async Task<string> AnswerToHeadersAloneAsync(RunningWebTier tier, string headers)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(
            $"POST /api/batches HTTP/1.1\r\nHost: test\r\n{headers}Content-Type: multipart/form-data; boundary=b\r\n"
            + "Content-Length: 1000000\r\n\r\n"), tier.InTime);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(tier.InTime) ?? "";
    }
}
