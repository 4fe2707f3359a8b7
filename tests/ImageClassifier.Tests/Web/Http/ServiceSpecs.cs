using System.Net;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The fleet, the page, and the health checks.</summary>
public sealed class ServiceSpecs
{
    [Fact]
    public async Task The_fleet_shows_instances_backlog_and_decisions()
    {
        await using var tier = await RunningWebTier.StartAsync("scaling.policy = per-image");
        await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        await tier.UntilAsync(() => tier.Fleet.Living.Count == 2, "instances were launched");
        System.Text.Json.JsonElement fleet;
        do
        {
            using var answer = await tier.Client.GetAsync("/api/fleet", tier.InTime);
            fleet = await answer.DocumentAsync();
        }
        while (fleet.GetProperty("instances").GetArrayLength() < 2);

        Assert.Equal((19, 2, 0, 2), (
            fleet.Number("maxInstances"), fleet.Number("waiting"), fleet.Number("inFlight"), fleet.Number("backlog")));
        var instance = fleet.GetProperty("instances")[0];
        Assert.Equal("pending", instance.Word("state"));
        Assert.StartsWith("fake-", instance.Word("instanceId"), StringComparison.Ordinal);
        Assert.True(instance.TryGetProperty("launchedAt", out _));
        Assert.False(instance.TryGetProperty("endedAt", out _));
        var decision = fleet.GetProperty("decisions").EnumerateArray().First(one => one.Word("outcome") == "launched");
        Assert.Equal((2, 2), (decision.Number("wanted"), decision.Number("launched")));
        Assert.Contains("2 pictures wait", decision.Word("reason"), StringComparison.Ordinal);
        foreach (var name in (string[])["at", "until", "waiting", "backlog", "pending", "running", "draining"])
            Assert.True(decision.TryGetProperty(name, out _), name);
    }

    [Fact]
    public async Task It_is_live_and_ready()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var live = await tier.Client.GetAsync("/health/live");
        Assert.Equal("live", (await live.DocumentAsync()).Word("status"));
        using var serving = await tier.Client.GetAsync("/health/serving");
        Assert.Equal("serving", (await serving.DocumentAsync()).Word("status"));
        using var ready = await tier.Client.GetAsync("/health/ready");
        Assert.Equal("ready", (await ready.DocumentAsync()).Word("status"));
    }

    [Fact]
    public async Task A_node_outside_its_cluster_is_live_and_refuses_every_call_at_once()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var batch = (await tier.UploadAsync(Upload.Jpeg("a.jpg"))).Batch;
        tier.MarkRemoved();

        foreach (var path in (string[])
            ["/health/serving", "/health/ready", "/api/fleet", $"/api/batches/{batch}", $"/api/batches/{batch}/events"])
        {
            using var refused = await tier.Client.GetAsync(path, tier.InTime);
            var problem = await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
            Assert.Contains("removed this one", problem.Word("detail"), StringComparison.Ordinal);
            refused.AssertComeBack();
        }

        using var upload = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("b.jpg")), tier.InTime);
        await upload.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        using var live = await tier.Client.GetAsync("/health/live", tier.InTime);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
    }

    [Fact]
    public async Task Many_readiness_probes_share_few_calls()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var calls = tier.Store.CallsOf(StoreCall.Get);
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), tier.InTime, async (_, cancellation) =>
        {
            using var ready = await tier.Client.GetAsync("/health/ready", cancellation);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        });

        Assert.InRange(tier.Store.CallsOf(StoreCall.Get) - calls, 1, 30);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task While_the_store_or_a_queue_is_unavailable_it_is_live_and_not_ready(bool store)
    {
        await using var tier = await RunningWebTier.StartAsync();
        if (store) tier.Store.FailNext(StoreCall.Get, times: 1);
        else tier.Responses.FailNext(QueueCall.Measure, times: 1);
        using var ready = await tier.Client.GetAsync("/health/ready");
        var problem = await ready.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        Assert.Equal(
            store ? "The object store does not answer." : "The response queue cannot be used.", problem.Word("detail"));
        ready.AssertComeBack();
        using var live = await tier.Client.GetAsync("/health/live");
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        using var serving = await tier.Client.GetAsync("/health/serving");
        Assert.Equal(HttpStatusCode.OK, serving.StatusCode);
        using var again = await tier.Client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task The_page_is_at_the_root(string method)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), "/");
        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.True(answer.Headers.CacheControl!.NoCache);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(method == "GET", text.Contains("<!doctype html>", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/app.js", "text/javascript")]
    [InlineData("/styles/page.css", "text/css")]
    [InlineData("/favicon.svg", "image/svg+xml")]
    public async Task The_pages_files_have_their_content_types(string address, string type)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.GetAsync(address);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
    }
}
