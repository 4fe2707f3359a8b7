using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Pictures;

/// <summary>A picture fails on every try until the fault is mended. Then it is redriven.</summary>
/// <param name="data">The data folder. It is deleted at the end.</param>
/// <param name="settings">The settings of the service, without the prefix image-classifier.</param>
/// <param name="queueArguments">The arguments by which the verb <c>queue</c> finds the queues.</param>
internal sealed class RedriveStory(string data, string[] settings, string[] queueArguments)
{
    private const int GoodPictures = 20;

    // Some pictures are decoded before the failing one, the others after it.
    private const int Place = GoodPictures / 2;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    private static readonly TestPicture Failing = TestPictures.All[0] with
    {
        Name = "failing.jpg",
        Bytes = [.. TestPictures.All[0].Bytes, .. FragileClassifier.Fail],
    };

    private readonly string[] _settings =
    [
        .. settings,
        // One node, so that the other pictures have no other node.
        "scaling.max-instances=1",
        "node.polling.wait-time=1s", "node.termination.max-empty-polls=100",
    ];

    /// <summary>Runs the story.</summary>
    public async Task RunAsync()
    {
        string batchId, failingId;
        await using (var faulty = await RunningService.StartFaultyAsync(data, ownsData: false, _settings))
        {
            (batchId, failingId) = await FailAloneAsync(faulty);
            Assert.Equal(0, await faulty.StopAsync());
        }

        await using var healed = await RunningService.StartAsync(data, ownsData: true, _settings);
        await RedriveAsync(healed, batchId, failingId);
        Assert.Equal(0, await healed.StopAsync());
    }

    private async Task<(string BatchId, string FailingId)> FailAloneAsync(RunningService service)
    {
        var pictures = TestPictures.Many(GoodPictures).ToList();
        pictures.Insert(Place, Failing);
        var accepted = await service.UploadAsync(pictures);
        var failingId = accepted.GetProperty("jobs")[Place].GetProperty("jobId").GetString()!;
        var jobs = await service.FollowAsync(BatchId(accepted), Enough);

        AssertOnceEach(accepted, jobs);
        foreach (var job in jobs)
            Assert.Equal(IsOf(failingId)(job) ? "failed" : "classified", job.GetProperty("status").GetString());

        // The queue moves the message at the next receive.
        await Until.HoldsAsync(
            async () => Letters(await QueueAsync("list", 0)).Any(), Enough, () => $"No letter:\n{service.Log}");
        return (BatchId(accepted), failingId);
    }

    private async Task RedriveAsync(RunningService service, string batchId, string failingId)
    {
        var before = await service.ResumeAsync(batchId, after: null, Enough);
        Assert.Equal(GoodPictures + 2, before.Count);
        Assert.Equal((failingId, "too-many-attempts"), Letters(await QueueAsync("list", 0)).Single());

        await QueueAsync("redrive", 0, failingId);

        // A client that followed to the end resumes with its last id: there is another result and another end.
        var last = before[^1].GetProperty("id").GetString();
        IReadOnlyList<JsonElement> further = [];
        await Until.HoldsAsync(
            async () => (further = await service.ResumeAsync(batchId, last, Enough)).Count > 0,
            Enough, () => $"No further result:\n{service.Log}");
        Assert.Equal(["result", "complete"], further.Select(received => received.GetProperty("type").GetString()));
        var job = further[0].GetProperty("job");
        Assert.True(IsOf(failingId)(job));
        Assert.Equal("classified", job.GetProperty("status").GetString());

        var batch = await service.GetJsonAsync($"/api/batches/{batchId}");
        Assert.Equal(GoodPictures + 1, batch.GetProperty("completed").GetInt32());
        Assert.Equal(0, batch.GetProperty("failed").GetInt32());
        Assert.Empty(Letters(await QueueAsync("list", 0)));
        await QueueAsync("purge", 1, failingId);
    }

    private static Func<JsonElement, bool> IsOf(string jobId) => job => job.GetProperty("jobId").GetString() == jobId;

    private async Task<JsonElement> QueueAsync(string verb, int exitCode, params string[] jobs)
    {
        var (actual, output, error) = await BuiltProgram.RunAsync(["queue", verb, .. queueArguments, "--json", .. jobs]);
        Assert.True(actual == exitCode, $"{actual}: {output}{error}");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    private static IEnumerable<(string? JobId, string? ErrorCode)> Letters(JsonElement list) =>
        list.EnumerateArray().Select(letter => (
            letter.GetProperty("jobId").GetString(), letter.GetProperty("error").GetProperty("code").GetString()));
}
