using System.Net;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The calls that wait for their result.</summary>
public sealed class ClassifySpecs
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", false)]
    [InlineData("application/json", true)]
    [InlineData("application/json;charset=utf-8", true)]
    [InlineData("application/*", true)]
    [InlineData("application/json, text/plain, */*", true)]
    [InlineData("text/plain;q=0.5, application/json", true)]
    [InlineData("text/plain, application/json;q=0.5", false)]
    [InlineData("application/json;q=0", false)]
    [InlineData("nonsense", false)]
    public async Task The_answer_is_json_if_the_client_asks_for_it_and_otherwise_the_label(string? accept, bool json)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        using var request = Request("/api/classify", Upload.Jpeg("a.jpg", "tabby cat"));
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        using var answer = await tier.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(json ? "application/json" : "text/plain", answer.Content.Headers.ContentType!.MediaType);
        if (!json)
        {
            Assert.Equal("tabby cat", await answer.Content.ReadAsStringAsync());
            return;
        }

        var job = await answer.DocumentAsync();
        Assert.Equal(("a.jpg", "classified"), (job.Word("fileName"), job.Word("status")));
        Assert.Equal("tabby cat", job.GetProperty("predictions")[0].Word("label"));
    }

    [Fact]
    public async Task The_root_address_always_answers_text()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        using var request = Request("/", Upload.Jpeg("a.jpg"));
        request.Headers.Add("Accept", "application/json");
        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal("cat", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_hundred_concurrent_requests_are_all_answered()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var labels = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var answer = await tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg($"{i}.jpg", $"label {i}")));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.Content.ReadAsStringAsync();
        }));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"label {i}"), labels);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/classify")]
    public async Task A_refused_picture_is_422_with_the_reason(string address)
    {
        await using var tier = (await RunningWebTier.StartAsync("uploads.max-file-size = 4KiB")).WithNode();
        (Upload File, string Type)[] refused =
        [
            (new Upload("a.gif", "GIF89a"u8.ToArray()), "unsupported-name"), (new Upload("a.jpg", []), "empty"),
            (new Upload("a.jpg", "GIF89a"u8.ToArray()), "content-mismatch"),
            (Upload.JpegOf("a.jpg", 5000), "too-large"),
        ];
        foreach (var (file, type) in refused)
        {
            using var answer = await tier.Client.PostAsync(address, Upload.Form(file));
            await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, type);
        }

        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task A_failed_picture_is_422_with_the_reason_and_the_link()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        using var answer = await tier.Client.PostAsync("/api/classify", Upload.Form(Upload.Jpeg("a.jpg", Upload.Undecodable)));
        var problem = await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, "undecodable");
        Assert.Equal("It failed.", problem.Word("detail"));
        using var batch = await tier.Client.GetAsync(problem.GetProperty("links").Word("self"));
        Assert.Equal(1, (await batch.DocumentAsync()).Number("failed"));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/classify")]
    public async Task It_accepts_exactly_one_file(string address)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        using var two = await tier.Client.PostAsync(address, Upload.Form(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg")));
        await two.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-many-files");
        using var form = new MultipartFormDataContent { { new StringContent("hello"), "comment" } };
        using var none = await tier.Client.PostAsync(address, form);
        await none.ProblemAsync(HttpStatusCode.BadRequest, "nothing-usable");
        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task A_slow_result_is_504_with_the_link()
    {
        await using var tier = await RunningWebTier.StartAsync("results.wait-limit = 1s");
        using var answer = await tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg("a.jpg")));
        var problem = await answer.ProblemAsync(HttpStatusCode.GatewayTimeout, "still-working");
        var link = problem.GetProperty("links").Word("self");
        tier.WithNode();
        await tier.UntilAsync(() => tier.Responses.Deleted.Count == 1, "the result arrived");
        using var batch = await tier.Client.GetAsync(link);
        Assert.Equal(1, (await batch.DocumentAsync()).Number("completed"));
    }

    [Fact]
    public async Task Over_the_limit_of_waiting_requests_it_is_503_and_abandoned_jobs_continue()
    {
        await using var tier = await RunningWebTier.StartAsync("results.max-waiting-requests = 1");
        using var leaving = new CancellationTokenSource();
        var waiting = tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg("a.jpg")), leaving.Token);
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "the first waits");
        using var refused = await tier.Client.PostAsync("/api/classify", Upload.Form(Upload.JpegOf("b.jpg", 6 << 20)));
        await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "overloaded");
        refused.AssertComeBack();

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var answered = HttpStatusCode.ServiceUnavailable;
        tier.WithNode();
        while (answered == HttpStatusCode.ServiceUnavailable)
        {
            using var answer = await tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg("c.jpg")), tier.InTime);
            answered = answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, answered);
        await tier.UntilAsync(() => tier.Responses.Deleted.Count == 2, "both have their result");
        Assert.Equal(2, tier.Keys.Count(key => key.StartsWith(ObjectKeys.Results, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_result_that_cannot_be_read_is_503_with_the_link()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Store.Before = (call, key) => call == StoreCall.List && key.StartsWith(ObjectKeys.Results, StringComparison.Ordinal)
            ? Task.FromException(new IOException("Not now."))
            : Task.CompletedTask;
        using var answer = await tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg("a.jpg")));
        var problem = await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        answer.AssertComeBack();
        Assert.True(BatchId.TryParse(problem.GetProperty("links").Word("self")["/api/batches/".Length..], out _));
    }

    [Fact]
    public async Task A_stopping_service_answers_waiting_requests_with_the_link()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var waiting = tier.Client.PostAsync("/", Upload.Form(Upload.Jpeg("a.jpg")), tier.InTime);
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "it waits");
        var stopping = tier.StopAsync();
        using var answer = await waiting;
        var problem = await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable, "stopping");
        Assert.StartsWith("/api/batches/", problem.GetProperty("links").Word("self"), StringComparison.Ordinal);
        await stopping.WaitAsync(tier.InTime);
    }

    private static HttpRequestMessage Request(string address, Upload file) =>
        new(HttpMethod.Post, address) { Content = Upload.Form(file) };
}
