using System.Net;
using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Http;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>A service, or its nodes, without a permission.</summary>
public sealed class RefusalSpecs
{
    private const string Reason = "AccessDenied on arn:aws:s3:::secret-bucket";

    [Fact]
    public async Task Without_write_permission_uploads_and_readiness_fail_and_reads_work()
    {
        using var log = new CapturedLog();
        await using var tier = await RunningWebTier.StartAsync(log: log);
        var accepted = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        tier.Store.Before = (call, _) => call == StoreCall.Put
            ? Task.FromException(new StoreRefusedException(Reason))
            : Task.CompletedTask;

        using var refused = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("b.jpg")), tier.InTime);
        var problem = await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-permitted");
        refused.AssertComeBack();
        Assert.DoesNotContain("secret", problem.GetRawText(), StringComparison.Ordinal);
        using var ready = await tier.Client.GetAsync("/health/ready");
        await ready.ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-permitted");
        using var batch = await tier.Client.GetAsync($"/api/batches/{accepted.Batch}");
        Assert.Equal(HttpStatusCode.OK, batch.StatusCode);
        Assert.Single(log.Lines, line =>
            line.StartsWith("Error", StringComparison.Ordinal) && line.Contains(Reason, StringComparison.Ordinal)
            && line.Contains("Writing into the store is refused", StringComparison.Ordinal));

        tier.Store.Before = null;
        await tier.UploadAsync(Upload.Jpeg("c.jpg"));
        using var well = await tier.Client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, well.StatusCode);
    }

    [Fact]
    public async Task Without_permission_to_receive_results_it_is_not_ready()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Responses.CallFailure = call => call == QueueCall.Receive ? new QueueRefusedException(Reason) : null;
        tier.Responses.Put("wakes the poll under way");
        await UntilReadyAsync(tier, HttpStatusCode.ServiceUnavailable);

        using var ready = await tier.Client.GetAsync("/health/ready");
        await ready.ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-permitted");
    }

    [Fact]
    public async Task Without_permission_to_send_jobs_wait_and_none_is_lost()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Requests.EntryOutcome = (call, _) => call == QueueCall.Send
            ? new QueueOutcome(QueueOutcomeKind.Refused, Reason)
            : null;
        await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        await UntilReadyAsync(tier, HttpStatusCode.ServiceUnavailable);

        tier.Requests.EntryOutcome = null;
        await tier.UntilAsync(() => tier.Requests.Visible.Count == 1, "the job was sent");
    }

    [Fact]
    public async Task While_nodes_cannot_work_it_is_ready_with_a_public_warning()
    {
        await using var tier = await RunningWebTier.StartAsync("scaling.policy = per-image");
        await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        await tier.UntilAsync(() => tier.Fleet.Living.Count == 1, "an instance was launched");
        var instance = tier.Fleet.Living[0].Id;
        var record = new NodeRecord(instance, InstanceState.Ended, 0, null, null) { Problem = Reason };
        tier.Store.Set(ObjectKeys.Node(instance), WireJson.Write(record));
        tier.Fleet.Capacity = 0;
        tier.Fleet.Move(instance, InstanceState.Ended);

        JsonElement ready;
        do
        {
            using var answer = await tier.Client.GetAsync("/health/ready", tier.InTime);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            ready = await answer.DocumentAsync();
        }
        while (!ready.TryGetProperty("problems", out _));

        Assert.Equal("ready", ready.Word("status"));
        Assert.Equal(
            [ReadinessProblems.NodesFail],
            ready.GetProperty("problems").EnumerateArray().Select(sentence => sentence.GetString()!));
        JsonElement fleet;
        do
        {
            using var answer = await tier.Client.GetAsync("/api/fleet", tier.InTime);
            fleet = await answer.DocumentAsync();
        }
        while (fleet.GetProperty("problems").GetArrayLength() == 0);

        var problem = fleet.GetProperty("problems")[0];
        Assert.Equal((instance.Value, Reason), (problem.Word("instanceId"), problem.Word("reason")));
        Assert.True(problem.TryGetProperty("at", out _));
    }

    private static async Task UntilReadyAsync(RunningWebTier tier, HttpStatusCode status)
    {
        while (true)
        {
            using var ready = await tier.Client.GetAsync("/health/ready", tier.InTime);
            if (ready.StatusCode == status) return;
        }
    }
}
