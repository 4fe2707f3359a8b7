using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>What the log must contain, and what it must never contain.</summary>
public sealed partial class LogSpecs
{
    private static readonly string Alice = ApiKey.New();

    [Fact]
    public async Task No_log_line_contains_a_batch_id_whatever_fails()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(
            change: tier => tier with
            {
                Uploads = tier.Uploads with
                {
                    SweepInterval = TimeSpan.FromSeconds(1),
                    Outbox = OutboxSettings.Default with
                    {
                        MinBackoff = TimeSpan.FromMilliseconds(10),
                        MaxBackoff = TimeSpan.FromMilliseconds(100),
                    },
                },
            },
            log: log);
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        var ids = new ConcurrentDictionary<string, bool> { [upload.Batch.Value] = true };

        Func<string, Exception>[] failures =
        [
            path => new IOException($"Could not open '{path}'."),
            path => new InvalidOperationException($"{path} is odd."),
        ];
        foreach (var fail in failures)
        {
            tier.Store.Before = (_, key) =>
            {
                foreach (var id in BatchInKey().Matches(key).Select(match => match.Groups[1].Value)) ids[id] = true;
                return Task.FromException(fail($"/data/objects/{key}"));
            };
            tier.Requests.FailNext(QueueCall.Send, times: 3, new QueueUnavailableException("The queue is locked."));
            await CallAllAsync(tier, upload);
            await tier.Responses.SendAsync(
                [Jobs.Classified(Jobs.Request(upload.Batch, upload.Jobs[0]), "cat").ToMessage()], tier.InTime);
        }

        tier.Store.Before = null;
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}", tier.InTime);
        await tier.StopAsync();

        Assert.True(ids.Count > 1, "No upload reached the store.");
        Assert.Contains(log.Lines, line => line.Contains(upload.Batch.LogReference, StringComparison.Ordinal));
        Assert.Contains(log.Lines, line => line.Contains("is odd", StringComparison.Ordinal));
        Assert.All(log.Lines, line => Assert.All(
            ids.Keys, id => Assert.DoesNotContain(id, line, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Each_log_line_has_the_name_of_the_class_that_wrote_it()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(log: log);
        tier.Responses.FailNext(QueueCall.Receive, times: 2, new QueueUnavailableException("The queue is locked."));
        await tier.Responses.SendAsync(
            [Jobs.Classified(Jobs.Request(BatchId.New(), JobId.New()), "cat").ToMessage()], tier.InTime);
        await tier.UntilAsync(() => Lines("A poll failed").Length > 0, "a poll has failed");
        Assert.All(Lines("A poll failed"), line =>
            Assert.StartsWith("Warning ImageClassifier.Streams.QueueSourceStage [", line, StringComparison.Ordinal));
        await tier.StopAsync();
        Assert.All(log.Lines, line => Assert.Matches(@"\A\w+ (ImageClassifier|Akka|Microsoft)(\.\w+)+ \[", line));

        string[] Lines(string text) => [.. log.Lines.Where(line => line.Contains(text, StringComparison.Ordinal))];
    }

    [Theory]
    [InlineData(true, "by alice from 127.0.0.1: 204")]
    [InlineData(false, "by anyone from 127.0.0.1: 204")]
    public async Task A_deletion_is_logged_with_its_caller_and_a_reference_to_the_batch(bool withKey, string caller)
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(
            withKey ? $"access.keys {{ alice = \"{ApiKey.SettingOf(Alice)}\" }}" : "", log: log);
        if (withKey) tier.Client.DefaultRequestHeaders.Add("X-Api-Key", Alice);
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}", tier.InTime);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var line = $"DELETE /api/batches/{{batchId}} (batch {upload.Batch.LogReference}) {caller}";
        await tier.UntilAsync(
            () => log.Lines.Any(one => one.StartsWith("Information", StringComparison.Ordinal)
                && one.Contains(line, StringComparison.Ordinal)),
            "the deletion is logged");
    }

    [Fact]
    public async Task Only_changes_of_readiness_are_logged()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(log: log);
        tier.Responses.FailNext(QueueCall.Measure, times: 5, new QueueUnavailableException("The queue is locked."));
        for (var i = 0; i < 5; i++) Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync());
        for (var i = 0; i < 5; i++) Assert.Equal(HttpStatusCode.OK, await ReadyAsync());

        Assert.Single(log.Lines, line => line.Contains("Not ready: The response queue cannot be used. The queue is locked.", StringComparison.Ordinal));
        Assert.Single(log.Lines, line => line.Contains("Ready again", StringComparison.Ordinal));

        async Task<HttpStatusCode> ReadyAsync()
        {
            using var answer = await tier.Client.GetAsync("/health/ready", tier.InTime);
            return answer.StatusCode;
        }
    }

    private static async Task CallAllAsync(RunningWebTier tier, AcceptedUpload upload)
    {
        var batch = $"/api/batches/{upload.Batch}";
        string[] addresses = [batch, $"{batch}/events", $"{batch}/images/{upload.Jobs[0]}", "/health/ready"];
        foreach (var address in addresses)
        {
            using var answer = await tier.Client.GetAsync(address, tier.InTime);
            Assert.False(answer.IsSuccessStatusCode);
        }

        using var socket = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(
            new Uri($"ws://{tier.Address.Authority}/ws?batch={upload.Batch}"), tier.InTime));
        using var deletion = await tier.Client.DeleteAsync(batch, tier.InTime);
        Assert.False(deletion.IsSuccessStatusCode);
        using var refused = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("c.jpg")), tier.InTime);
        Assert.False(refused.IsSuccessStatusCode);
    }

    [GeneratedRegex("(?:batches|open|images|results|suspects)/([0-9a-f]{32})(?![0-9a-f])")]
    private static partial Regex BatchInKey();
}
