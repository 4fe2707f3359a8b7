using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ImageClassifier.Web.Results;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

public sealed class EventStreamSpecs
{
    [Fact]
    public async Task Results_arrive_as_events_until_all_are_there()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        using var answer = await OpenAsync(tier, upload);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal("no", Assert.Single(answer.Headers.GetValues("X-Accel-Buffering")));
        await using var events = ReadAsync(answer, tier.InTime).GetAsyncEnumerator();

        await tier.PublishAsync(upload, 1, "dog");
        Assert.True(await events.MoveNextAsync());
        var first = events.Current;
        Assert.Equal("result", first.Name);
        Assert.EndsWith("-1", first.Id, StringComparison.Ordinal);
        Assert.Equal(first.Id, first.Data.Word("id"));
        Assert.Equal("result", first.Data.Word("type"));
        var job = first.Data.GetProperty("job");
        Assert.Equal((upload.Jobs[1].Value, "b.jpg", "classified"), (job.Word("jobId"), job.Word("fileName"), job.Word("status")));
        Assert.Equal("dog", job.GetProperty("predictions")[0].Word("label"));

        await tier.PublishAsync(upload, 1, "again");
        await tier.PublishAsync(upload, 0);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("a.jpg", events.Current.Data.GetProperty("job").Word("fileName"));
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("complete", events.Current.Name);
        Assert.False(events.Current.Data.TryGetProperty("job", out _));
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task A_batch_of_several_pages_is_one_stream_and_one_document()
    {
        const int pictures = BatchProtocol.MaxPage + 1;
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var upload = await tier.UploadAsync([.. Enumerable.Range(0, pictures).Select(i => Upload.Jpeg($"{i}.jpg"))]);
        using var answer = await OpenAsync(tier, upload);
        var ids = new HashSet<string>();
        await foreach (var read in ReadAsync(answer, tier.InTime)) ids.Add(read.Id);
        // One event for each picture, and the end.
        Assert.Equal(pictures + 1, ids.Count);

        using var document = await tier.Client.GetAsync($"/api/batches/{upload.Batch}");
        var batch = await document.DocumentAsync();
        Assert.Equal((pictures, pictures), (batch.GetProperty("total").GetInt32(), batch.GetProperty("completed").GetInt32()));
        Assert.Equal(
            upload.Jobs.Select(job => job.Value),
            batch.GetProperty("jobs").EnumerateArray().Select(job => job.Word("jobId")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_resumes_after_its_last_event(bool byHeader)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"), Upload.Jpeg("c.jpg"));
        using var first = await OpenAsync(tier, upload);
        var all = await ReadAsync(first, tier.InTime).ToListAsync();
        Assert.Equal(4, all.Count);

        using var second = await OpenAsync(tier, upload, all[1].Id, byHeader);
        var rest = await ReadAsync(second, tier.InTime).ToListAsync();
        Assert.Equal(all[2..].Select(batchEvent => batchEvent.Id), rest.Select(batchEvent => batchEvent.Id));

        using var third = await OpenAsync(tier, upload, all[3].Id, byHeader);
        Assert.Equal(HttpStatusCode.NoContent, third.StatusCode);

        using var fourth = await OpenAsync(tier, upload, "0ther-2", byHeader);
        Assert.Equal(4, (await ReadAsync(fourth, tier.InTime).ToListAsync()).Count);
    }

    [Fact]
    public async Task The_header_has_priority_over_the_query()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var first = await OpenAsync(tier, upload);
        var all = await ReadAsync(first, tier.InTime).ToListAsync();
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"/api/batches/{upload.Batch}/events?after={all[0].Id}");
        request.Headers.Add("Last-Event-ID", all[1].Id);
        using var answer = await tier.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Fact]
    public async Task A_quiet_stream_sends_heartbeats()
    {
        await using var tier = await RunningWebTier.StartAsync(
            change: tier => tier with { Results = tier.Results with { Heartbeat = TimeSpan.FromSeconds(1) } });
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var answer = await OpenAsync(tier, upload);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var heartbeats = 0;
        while (heartbeats < 2)
        {
            if ((await reader.ReadLineAsync(tier.InTime))!.StartsWith(':')) heartbeats++;
        }
    }

    [Fact]
    public async Task A_stream_ends_when_its_batch_is_deleted()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var answer = await OpenAsync(tier, upload);
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}");
        Assert.Empty(await ReadAsync(answer, tier.InTime).ToListAsync());
    }

    [Fact]
    public async Task Over_the_limit_of_subscribers_it_is_503_until_one_leaves()
    {
        await using var tier = await RunningWebTier.StartAsync("results.max-subscribers = 1");
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using (await OpenAsync(tier, upload))
        {
            using var refused = await OpenAsync(tier, upload);
            await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "overloaded");
            refused.AssertComeBack();
        }

        while (true)
        {
            using var answer = await OpenAsync(tier, upload);
            if (answer.StatusCode == HttpStatusCode.OK) break;
        }
    }

    [Fact]
    public async Task A_stopping_service_ends_its_streams()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var answer = await OpenAsync(tier, upload);
        var stopping = tier.StopAsync();
        Assert.Empty(await ReadAsync(answer, tier.InTime).ToListAsync());
        await stopping.WaitAsync(tier.InTime);
    }

    private static Task<HttpResponseMessage> OpenAsync(
        RunningWebTier tier, AcceptedUpload upload, string? after = null, bool byHeader = false)
    {
        var address = $"/api/batches/{upload.Batch}/events" + (after is null || byHeader ? "" : $"?after={after}");
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (after is not null && byHeader) request.Headers.Add("Last-Event-ID", after);
        return tier.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, tier.InTime);
    }

    private static async IAsyncEnumerable<ServerSentEvent> ReadAsync(
        HttpResponseMessage answer, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        string id = "", name = "", data = "";
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            if (line.Length > 0 || data.Length == 0) continue;
            yield return new ServerSentEvent(id, name, JsonDocument.Parse(data).RootElement);
            data = "";
        }
    }

    private sealed record ServerSentEvent(string Id, string Name, JsonElement Data);
}
