using System.Net;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Models;
using Xunit;

namespace ImageClassifier.Tests.Web.Repeats;

/// <summary>The same picture is uploaded again, from the real calls to their answers.</summary>
public sealed class RepeatSpecs
{
    private static readonly string Alice = ApiKey.New();
    private static readonly string Bob = ApiKey.New();

    private static readonly string TwoKeys =
        $"access.keys {{ alice = \"{ApiKey.SettingOf(Alice)}\", bob = \"{ApiKey.SettingOf(Bob)}\" }}";

    private readonly InMemoryObjectStore _store = new(TimeProvider.System);

    [Fact]
    public async Task A_repeated_picture_gets_the_stored_result_without_a_message()
    {
        await using var tier = (await StartAsync()).WithNode();
        var first = await ClassifyAsync(tier, "tabby cat");
        await UntilRememberedAsync(tier);
        var again = await ClassifyAsync(tier, "tabby cat");

        Assert.False(first.TryGetProperty("cached", out _));
        Assert.Equal("instance-1", first.Word("instanceId"));
        Assert.True(again.GetProperty("cached").GetBoolean());
        Assert.Equal("web", again.Word("instanceId"));
        Assert.False(again.TryGetProperty("timings", out _));
        Assert.NotEqual(first.Word("jobId"), again.Word("jobId"));
        Assert.Equal(first.GetProperty("predictions").ToString(), again.GetProperty("predictions").ToString());
        Assert.Equal(first.GetProperty("model").ToString(), again.GetProperty("model").ToString());
        Assert.Equal(1, Sent(tier));
    }

    [Fact]
    public async Task A_batch_its_events_and_its_node_share_repeated_and_new_pictures()
    {
        await using var tier = (await StartAsync()).WithNode();
        await ClassifyAsync(tier, "tabby cat");
        await UntilRememberedAsync(tier);
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg", "tabby cat"), Upload.Jpeg("b.jpg", "beagle"));
        var batch = await FinishedAsync(tier, upload.Batch);

        bool[] cached = [.. batch.GetProperty("jobs").EnumerateArray().Select(IsCached)];
        Assert.Equal([true, false], cached);
        Assert.Equal(2, Sent(tier));
        var events = await tier.Client.GetStringAsync($"/api/batches/{upload.Batch}/events", tier.InTime);
        Assert.Single(events.Split('\n'), line => line.Contains("\"cached\":true", StringComparison.Ordinal));
        await tier.UntilAsync(() => !_store.Keys.Contains(ObjectKeys.OpenMarker(upload.Batch)), "the batch is closed");
    }

    [Theory]
    [InlineData("own-key", false)]
    [InlineData("all-keys", true)]
    public async Task Another_key_gets_the_result_only_if_the_setting_says_so(string setting, bool isShared)
    {
        await using var tier = (await StartAsync($"{TwoKeys}\nuploads.repeats = {setting}")).WithNode();
        await ClassifyAsync(tier, "cat", Alice);
        await UntilRememberedAsync(tier);
        Assert.Equal(isShared, IsCached(await ClassifyAsync(tier, "cat", Bob)));
        Assert.True(IsCached(await ClassifyAsync(tier, "cat", Alice)));
    }

    [Fact]
    public async Task A_service_without_keys_shares_nothing_with_its_later_keys()
    {
        await using (var open = (await StartAsync()).WithNode())
        {
            await ClassifyAsync(open, "cat");
            await UntilRememberedAsync(open);
        }

        await using var tier = (await StartAsync(TwoKeys)).WithNode();
        Assert.False(IsCached(await ClassifyAsync(tier, "cat", Alice)));
    }

    [Fact]
    public async Task Switched_off_nothing_is_repeated_or_remembered()
    {
        await using var tier = (await StartAsync("uploads.repeats = off")).WithNode();
        await ClassifyAsync(tier, "cat");
        Assert.False(IsCached(await ClassifyAsync(tier, "cat")));
        Assert.Equal(2, Sent(tier));
        Assert.Empty(Records);
    }

    [Fact]
    public async Task Without_a_known_model_nothing_is_repeated()
    {
        await using var tier = (await RunningWebTier.StartAsync(store: _store)).WithNode();
        await ClassifyAsync(tier, "cat");
        Assert.False(IsCached(await ClassifyAsync(tier, "cat")));
        Assert.Empty(Records);
    }

    [Fact]
    public async Task A_later_run_and_another_web_node_know_the_pictures()
    {
        await using (var earlier = (await StartAsync()).WithNode())
        {
            await ClassifyAsync(earlier, "cat");
            await UntilRememberedAsync(earlier);
        }

        await using var one = await StartAsync();
        await using var other = await StartAsync();
        Assert.True(IsCached(await ClassifyAsync(one, "cat")));
        Assert.True(IsCached(await ClassifyAsync(other, "cat")));
        Assert.Empty(one.Requests.All);
        Assert.Empty(other.Requests.All);
    }

    [Fact]
    public async Task Other_bytes_a_failure_and_a_deleted_original_are_classified()
    {
        await using var tier = (await StartAsync()).WithNode();
        var original = await tier.UploadAsync(Upload.Jpeg("a.jpg", "cat"), Upload.Jpeg("b.jpg", Upload.Undecodable));
        await FinishedAsync(tier, original.Batch);
        await UntilRememberedAsync(tier);
        var (own, failed) = (Upload.Jpeg("a.jpg", "cat"), Upload.Jpeg("b.jpg", Upload.Undecodable));
        var batch = await FinishedAsync(tier, (await tier.UploadAsync(own, failed, Upload.Png("c.png", "cat"))).Batch);
        bool[] cached = [.. batch.GetProperty("jobs").EnumerateArray().Select(IsCached)];
        Assert.Equal([true, false, false], cached);

        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{original.Batch}", tier.InTime);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var sent = Sent(tier);
        Assert.False(IsCached(await ClassifyAsync(tier, "cat")));
        Assert.Equal(sent + 1, Sent(tier));
    }

    [Fact]
    public async Task Each_model_of_a_rollout_has_results_of_its_own()
    {
        var (setting, active, canary) = (TestRegistry.Old, TestRegistry.New, TestRegistry.Try);
        ModelRollout[] rollouts =
        [
            ModelRollout.None, ModelRollout.None.Activate(active),
            ModelRollout.None.Activate(active) with { Canary = new ModelCanary(canary, 1) },
        ];
        await _store.JudgeAsync(active);
        await _store.JudgeAsync(canary);
        foreach (var isRepeated in new[] { false, true })
        {
            foreach (var rollout in rollouts)
            {
                await _store.RollOutAsync(rollout);
                var records = Records.Count;
                await using var tier = (await StartAsync(models: new KnownModels(TestRegistry.Identity(setting), null)))
                    .WithNode((request, label) => Jobs.Classified(request, label) with
                    {
                        Model = TestRegistry.Identity(request.Model ?? setting),
                    });
                var job = await ClassifyAsync(tier, "cat");
                Assert.Equal(isRepeated, IsCached(job));
                Assert.Equal(
                    (rollout.Canary?.Model ?? rollout.Active ?? setting).Sha256, job.GetProperty("model").Word("sha256"));
                if (!isRepeated) await tier.UntilAsync(() => Records.Count > records, "it is remembered");
            }
        }
    }

    [Fact]
    public async Task A_model_that_no_node_has_tried_yet_may_give_way_to_another_so_nothing_is_repeated()
    {
        await _store.ActivateAsync(TestRegistry.New);
        await using var tier = (await StartAsync()).WithNode((request, label) => Jobs.Classified(request, label) with
        {
            Model = TestRegistry.Identity(TestRegistry.New),
        });
        await ClassifyAsync(tier, "cat");
        await UntilRememberedAsync(tier);
        Assert.False(IsCached(await ClassifyAsync(tier, "cat")));

        await _store.JudgeAsync(TestRegistry.New);
        await using var later = await StartAsync();
        Assert.True(IsCached(await ClassifyAsync(later, "cat")));
    }

    private IReadOnlyList<string> Records => [.. _store.Keys.Where(RepeatKeys.IsRecord)];

    private Task<RunningWebTier> StartAsync(string settings = "", KnownModels? models = null)
    {
        var known = models ?? new KnownModels(Jobs.Classified(Jobs.Request()).Model, null);
        return RunningWebTier.StartAsync(settings, change: tier => tier with { Models = known }, store: _store);
    }

    private static bool IsCached(JsonElement job) =>
        job.TryGetProperty("cached", out var cached) && cached.GetBoolean();

    private static int Sent(RunningWebTier tier) => tier.Requests.BatchSizesOf(QueueCall.Send).Sum();

    private Task UntilRememberedAsync(RunningWebTier tier) =>
        tier.UntilAsync(() => Records.Count > 0, "the first picture is remembered");

    private static async Task<JsonElement> ClassifyAsync(RunningWebTier tier, string words, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/classify")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg", words)),
        };
        request.Headers.Add("Accept", "application/json");
        if (key is not null) request.Headers.Add("X-Api-Key", key);
        using var answer = await tier.Client.SendAsync(request, tier.InTime);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.DocumentAsync();
    }

    private static async Task<JsonElement> FinishedAsync(RunningWebTier tier, BatchId batch)
    {
        // The stream ends with the last result.
        await tier.Client.GetStringAsync($"/api/batches/{batch}/events", tier.InTime);
        using var answer = await tier.Client.GetAsync($"/api/batches/{batch}", tier.InTime);
        return await answer.DocumentAsync();
    }
}
