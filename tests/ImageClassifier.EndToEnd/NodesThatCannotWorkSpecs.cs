using System.Net;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Nodes that end at their start.</summary>
public sealed class NodesThatCannotWorkSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task The_reason_is_shown_until_the_cause_is_fixed()
    {
        using var model = new CopiedModel();
        await using var service = await RunningService.StartAsync(model.Setting, "node.polling.wait-time=1s");
        model.HideNetwork();
        var accepted = await service.UploadAsync(TestPictures.Many(3));
        await Until.HoldsAsync(
            async () => (await ReadyAsync(service)).TryGetProperty("problems", out _), Enough,
            () => $"The reason is not shown:\n{service.Log}");

        var ready = (await ReadyAsync(service)).GetRawText();
        Assert.DoesNotContain(model.Path, ready, StringComparison.Ordinal);
        var problem = (await service.GetJsonAsync("/api/fleet")).GetProperty("problems")[0];
        Assert.Contains("model.onnx is missing", problem.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("node-", problem.GetProperty("instanceId").GetString(), StringComparison.Ordinal);

        model.ShowNetwork();
        AssertOnceEach(accepted, await service.FollowAsync(BatchId(accepted), Enough));
        // A node that runs makes the service ready. The reason goes when the scaler has counted a result of it.
        await Until.HoldsAsync(
            async () => (await service.GetJsonAsync("/api/fleet")).GetProperty("problems").GetArrayLength() == 0, Enough,
            () => $"The reason is still shown:\n{service.Log}");
        Assert.False((await ReadyAsync(service)).TryGetProperty("problems", out _));
    }

    private static async Task<JsonElement> ReadyAsync(RunningService service)
    {
        using var answer = await service.Http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync());
    }
}
