using System.Security.Cryptography;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>A picture that kills every node that decodes it.</summary>
public sealed class DeadlyPictureSpecs
{
    private const string Variable = "IMAGE_CLASSIFIER_TEST_DEADLY_PICTURE";
    private const int Innocents = 20;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task It_fails_alone_and_can_be_redriven_when_it_kills_no_more(int place)
    {
        // Bytes after the end of a picture change nothing but its name by SHA-256.
        var killer = TestPictures.All[0] with { Name = "killer.jpg", Bytes = [.. TestPictures.All[0].Bytes, 0] };
        var pictures = TestPictures.Many(Innocents).ToList();
        pictures.Insert(place, killer);
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        string[] settings =
        [
            // One node, so that the killer's neighbours have no one else to go to.
            "scaling.max-instances=1", "node.polling.wait-time=1s", "queues.requests.lease=2s",
            "scaling.min-backoff=100ms", "scaling.max-backoff=100ms", "node.termination.max-empty-polls=100",
        ];
        string batchId, killerId;
        await using (var deadly = await RunningService.StartAsync(
            data, ownsData: false,
            new Dictionary<string, string> { [Variable] = Convert.ToHexString(SHA256.HashData(killer.Bytes)) },
            settings))
        {
            var accepted = await deadly.UploadAsync(pictures);
            batchId = BatchId(accepted);
            killerId = accepted.GetProperty("jobs")[place].GetProperty("jobId").GetString()!;
            var jobs = await deadly.FollowAsync(batchId, Enough);

            AssertOnceEach(accepted, jobs);
            foreach (var job in jobs)
            {
                var isKiller = job.GetProperty("jobId").GetString() == killerId;
                Assert.Equal(isKiller ? "failed" : "classified", job.GetProperty("status").GetString());
            }

            // The queue moves it when it is asked for more.
            await Until.HoldsAsync(
                async () => Letters(await QueueAsync(data, "list", 0)).Any(), Enough, () => $"No letter:\n{deadly.Log}");
            Assert.Equal(0, await deadly.StopAsync());
        }

        await using var healed = await RunningService.StartAsync(data, ownsData: true, settings);
        Assert.Equal((killerId, "too-many-attempts"), Letters(await QueueAsync(data, "list", 0)).Single());
        await QueueAsync(data, "redrive", 0, killerId);
        var after = await healed.FollowAsync(batchId, Enough);
        Assert.Equal("classified", after.Single(Is(killerId)).GetProperty("status").GetString());
        var batch = await healed.GetJsonAsync($"/api/batches/{batchId}");
        Assert.Equal(Innocents + 1, batch.GetProperty("completed").GetInt32());
        Assert.Equal(0, batch.GetProperty("failed").GetInt32());
        Assert.Empty(Letters(await QueueAsync(data, "list", 0)));
        await QueueAsync(data, "purge", 1, killerId);
        Assert.Equal(0, await healed.StopAsync());
    }

    private static Func<JsonElement, bool> Is(string jobId) => job => job.GetProperty("jobId").GetString() == jobId;

    private static async Task<JsonElement> QueueAsync(string data, string verb, int exitCode, params string[] jobs)
    {
        var (actual, output, error) = await BuiltProgram.RunAsync(["queue", verb, "--data", data, "--json", .. jobs]);
        Assert.True(actual == exitCode, $"{actual}: {output}{error}");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    private static IEnumerable<(string? JobId, string? ErrorCode)> Letters(JsonElement list) =>
        list.EnumerateArray().Select(letter => (
            letter.GetProperty("jobId").GetString(), letter.GetProperty("error").GetProperty("code").GetString()));
}
