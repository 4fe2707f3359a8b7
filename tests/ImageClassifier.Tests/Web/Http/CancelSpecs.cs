using System.Globalization;
using System.Net;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Access;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The deadline of an upload, and <c>DELETE …?cancel=waiting</c>.</summary>
public sealed class CancelSpecs
{
    [Fact]
    public async Task A_cancel_answers_the_number_of_pictures_and_the_events_say_complete()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"), Upload.Jpeg("c.jpg"));
        await tier.PublishAsync(upload, 0);
        for (var again = 0; again < 2; again++)
        {
            using var answer = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}?cancel=waiting", tier.InTime);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var document = await answer.DocumentAsync();
            Assert.Equal((upload.Batch.Value, 2), (document.Word("batchId"), document.Number("cancelled")));
        }

        // The stream ends at the event "complete".
        var events = await tier.Client.GetStringAsync($"/api/batches/{upload.Batch}/events", tier.InTime);
        Assert.Contains("\"type\":\"complete\"", events, StringComparison.Ordinal);
        var batch = await BatchAsync(tier, upload.Batch);
        Assert.Equal((3, 1, 2), (batch.Number("total"), batch.Number("completed"), batch.Number("failed")));
        Assert.Equal("cancelled", batch.GetProperty("jobs")[1].Word("errorCode"));
    }

    [Theory]
    [InlineData("?cancel=")]
    [InlineData("?cancel")]
    [InlineData("?cancel=all")]
    [InlineData("?cancel=Waiting")]
    [InlineData("?cancel=waiting&cancel=waiting")]
    [InlineData("?cancell=waiting")]
    [InlineData("?waiting")]
    public async Task An_unknown_cancel_is_refused_and_deletes_nothing(string query)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var answer = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}{query}", tier.InTime);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "cancel-unknown");
        Assert.Contains("waiting", problem.Word("detail"), StringComparison.Ordinal);
        Assert.Equal("queued", (await BatchAsync(tier, upload.Batch)).GetProperty("jobs")[0].Word("status"));
    }

    [Fact]
    public async Task A_cancel_needs_a_key_as_a_deletion_does()
    {
        await using var tier = await RunningWebTier.StartAsync(
            $"access.keys {{ alice = \"{ApiKey.SettingOf("ick_a")}\" }}");
        using var answer = await tier.Client.DeleteAsync($"/api/batches/{BatchId.New()}?cancel=waiting", tier.InTime);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task A_missing_batch_is_not_found()
    {
        await using var tier = await RunningWebTier.StartAsync();
        foreach (var id in new[] { BatchId.New().Value, "no-id" })
        {
            using var answer = await tier.Client.DeleteAsync($"/api/batches/{id}?cancel=waiting", tier.InTime);
            await answer.ProblemAsync(HttpStatusCode.NotFound, "no-such-batch");
        }
    }

    [Fact]
    public async Task A_deadline_is_kept_shown_and_sent_with_each_message()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var deadline = DateTimeOffset
            .FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().AddDays(2).ToUnixTimeSeconds())
            .ToOffset(TimeSpan.FromHours(2));
        using var answer = await PostAsync(tier, deadline.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture));
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var batch = BatchId.Parse((await answer.DocumentAsync()).Word("batchId"));
        Assert.Equal(deadline, (await BatchAsync(tier, batch)).GetProperty("deadline").GetDateTimeOffset());
        Assert.Contains(ObjectKeys.StopMarker(batch, deadline), tier.Keys);
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "it is sent");
        Assert.Equal(deadline, WireJson.TryRead<ClassificationRequest>(tier.Requests.All[0].Body)!.Deadline);
    }

    [Theory]
    [InlineData("tomorrow")]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T18:00:00")]
    [InlineData("2020-01-31T18:00:00Z")]
    [InlineData("9999-12-31T23:59:59Z")]
    public async Task An_unusable_deadline_is_refused_and_stores_nothing(string deadline)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await PostAsync(tier, deadline);
        await answer.ProblemAsync(HttpStatusCode.BadRequest, "deadline-unusable");
        Assert.Empty(tier.Keys);
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningWebTier tier, string deadline)
    {
        using var form = Upload.Form(Upload.Jpeg("a.jpg"));
        form.Add(new StringContent(deadline), "deadline");
        return await tier.Client.PostAsync("/api/batches", form, tier.InTime);
    }

    private static async Task<JsonElement> BatchAsync(RunningWebTier tier, BatchId batch)
    {
        using var answer = await tier.Client.GetAsync($"/api/batches/{batch}", tier.InTime);
        return await answer.DocumentAsync();
    }
}
