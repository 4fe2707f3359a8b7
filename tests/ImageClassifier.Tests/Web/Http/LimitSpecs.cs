using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Limits over several requests. Those of a single request are in
/// <see cref="UploadRefusalSpecs"/>.</summary>
public sealed class LimitSpecs
{
    [Fact]
    public async Task Over_the_limit_of_connections_the_next_is_closed_until_one_ends()
    {
        await using var tier = await RunningWebTier.StartAsync("web.max-connections = 2");
        using var first = await ConnectAsync(tier);
        using (await ConnectAsync(tier))
        {
            using var third = await ConnectAsync(tier);
            Assert.Equal(0, await third.GetStream().ReadAsync(new byte[1], tier.InTime));
        }

        while (true)
        {
            try
            {
                using var answer = await tier.Client.GetAsync("/health/live", tier.InTime);
                break;
            }
            catch (HttpRequestException)
            {
                // The closed connection may not be released yet.
            }
        }
    }

    [Fact]
    public async Task Over_the_limit_of_live_jobs_another_batch_is_503_until_one_leaves_memory()
    {
        await using var tier = await RunningWebTier.StartAsync(
            "results.max-live-jobs = 1",
            tier => tier with { Results = tier.Results with { Heartbeat = TimeSpan.FromSeconds(1) } });
        var first = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        var second = await tier.UploadAsync(Upload.Jpeg("b.jpg"));
        using (var reader = new ClientWebSocket())
        {
            await reader.ConnectAsync(Socket(tier, first), tier.InTime);
            using var refused = await tier.Client.GetAsync($"/api/batches/{second.Batch}", tier.InTime);
            await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
            refused.AssertComeBack();
            await reader.CloseAsync(WebSocketCloseStatus.NormalClosure, null, tier.InTime);
        }

        while (true)
        {
            using var answer = await tier.Client.GetAsync($"/api/batches/{second.Batch}", tier.InTime);
            if (answer.StatusCode == HttpStatusCode.OK) break;
        }
    }

    [Fact]
    public async Task Uploads_wait_for_a_slot_and_over_the_limit_of_waiting_ones_it_is_503()
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-concurrent = 1");
        var held = new TaskCompletionSource();
        var working = UploadWhileAsync(tier, held.Task);
        await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Put) == 2, "the first is under way");

        // Either of these two waits, whichever comes first, and the other is refused.
        var two = Enumerable.Range(0, 2).Select(i => tier.Client.PostAsync(
            "/api/batches", Upload.Form(Upload.Jpeg($"{i}.jpg")), tier.InTime)).ToList();
        var refused = await await Task.WhenAny(two);
        await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "overloaded");
        refused.AssertComeBack();

        held.SetResult();
        await working;
        var answers = await Task.WhenAll(two);
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task Over_the_limit_of_sockets_it_is_503_with_a_retry_time()
    {
        await using var tier = await RunningWebTier.StartAsync("results.max-subscribers = 1");
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var first = new ClientWebSocket();
        await first.ConnectAsync(Socket(tier, upload), tier.InTime);

        using var refused = new ClientWebSocket();
        refused.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => refused.ConnectAsync(Socket(tier, upload), tier.InTime));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.HttpStatusCode);
        var wait = Assert.Single(refused.HttpResponseHeaders!["Retry-After"]);
        Assert.InRange(int.Parse(wait, CultureInfo.InvariantCulture), 1, 60);
    }

    [Fact]
    public async Task An_upload_below_the_minimum_rate_is_408()
    {
        await using var tier = await RunningWebTier.StartAsync(
            change: tier => tier with { Uploads = tier.Uploads with { MinRate = 1 << 20 } });
        using var client = await ConnectAsync(tier);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /api/batches HTTP/1.1\r\nHost: {tier.Address.Authority}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            + "Content-Length: 1000000\r\n\r\n--x\r\nContent-Disposition: form-data; name=a; filename=a.jpg\r\n\r\n"),
            tier.InTime);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync(tier.InTime);
        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("urn:image-classifier:too-slow", answer, StringComparison.Ordinal);
        await tier.UntilAsync(
            () => !tier.Keys.Any(key => key.StartsWith(ObjectKeys.OpenBatches, StringComparison.Ordinal)),
            "nothing of it is left");
    }

    [Fact]
    public async Task Over_the_limit_of_reads_another_is_503_until_one_ends()
    {
        await using var tier = await RunningWebTier.StartAsync(
            change: tier => tier with { Results = tier.Results with { MaxReads = 1 } });
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        var held = new TaskCompletionSource();
        tier.Store.Before = (call, key) =>
            call == StoreCall.Get && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal) ? held.Task : Task.CompletedTask;
        var gets = tier.Store.CallsOf(StoreCall.Get);
        var picture = $"/api/batches/{upload.Batch}/images/{upload.Jobs[0]}";
        var reading = tier.Client.GetAsync(picture, tier.InTime);
        await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Get) > gets + 1, "the first is read");

        using var refused = await tier.Client.GetAsync($"/api/batches/{upload.Batch}", tier.InTime);
        await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "overloaded");
        refused.AssertComeBack();
        held.SetResult();
        using var read = await reading;
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        using var again = await tier.Client.GetAsync($"/api/batches/{upload.Batch}", tier.InTime);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    /// <summary>An upload that lasts as long as another task.</summary>
    private static Task<AcceptedUpload> UploadWhileAsync(RunningWebTier tier, Task held)
    {
        tier.Store.Before = (call, key) =>
            call == StoreCall.Put && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal) ? held : Task.CompletedTask;
        return tier.UploadAsync(Upload.Jpeg("a.jpg"));
    }

    private static async Task<TcpClient> ConnectAsync(RunningWebTier tier)
    {
        var client = new TcpClient();
        await client.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
        return client;
    }

    private static Uri Socket(RunningWebTier tier, AcceptedUpload upload) =>
        new($"ws://{tier.Address.Authority}/ws?batch={upload.Batch}");
}
