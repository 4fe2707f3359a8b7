using System.Net;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>The main job, as a user sees it: pictures in, labels out, by app nodes that come and go.</summary>
public sealed class MainJobSpecs
{
    private const string QuickPolls = "node.polling.wait-time=1s";
    private const string ShortLease = "queues.requests.lease=5s";
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Every_sample_picture_is_classified_by_processes_that_end_themselves()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);

        var accepted = await service.UploadAsync(TestPictures.All);
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await Until.HoldsAsync(() => service.NodeProcesses().Count > 0, Enough, () => $"No node came:\n{service.Log}");
        var jobs = await following;

        var batch = await service.GetJsonAsync($"/api/batches/{BatchId(accepted)}");
        Assert.Equal(TestPictures.All.Count, batch.GetProperty("total").GetInt32());
        Assert.Equal(TestPictures.All.Count, batch.GetProperty("completed").GetInt32());
        Assert.Equal(
            TestPictures.All.Select(picture => picture.Name),
            batch.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("fileName").GetString()));
        Assert.All(TestPictures.All, picture => AssertLabel(picture, jobs));
        Assert.DoesNotContain(Environment.ProcessId, service.NodeProcesses());

        await service.FleetEndsAsync(Enough);
        Assert.Equal(0, await service.StopAsync());
        AssertNoProcessIsLeft(service);
    }

    [SkippableFact]
    public async Task Scripts_that_post_one_file_and_read_text_work_unchanged()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);

        var answers = await Task.WhenAll(TestPictures.Many(100).Select(async picture =>
        {
            using var form = ServiceClient.Form([(picture.Name, picture.Bytes)], "myfile");
            using var answer = await service.Http.PostAsync("/", form);
            return (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync());
        }));

        Assert.Equal(100, answers.Length);
        Assert.All(answers, answer =>
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("text/plain", answer.MediaType);
            Assert.False(string.IsNullOrWhiteSpace(answer.Item3));
        });
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);

        var accepted = await service.UploadAsync(TestPictures.Many(300));
        var jobs = await service.FollowAsync(BatchId(accepted), Enough);

        AssertOnceEach(accepted, jobs);
        Assert.Equal(0, await service.StopAsync());
        AssertNoProcessIsLeft(service);
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each_although_a_node_is_killed()
    {
        await using var service = await RunningService.StartAsync(QuickPolls, ShortLease);

        var accepted = await service.UploadAsync(TestPictures.Many(300));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await Until.HoldsAsync(
            async () => (await service.GetJsonAsync($"/api/batches/{BatchId(accepted)}"))
                .GetProperty("completed").GetInt32() is > 0 and < 300,
            Enough,
            () => $"The work never began:\n{service.Log}");
        var victim = service.NodeProcesses()[0];
        ProcessTable.Signal(victim, "KILL");
        var jobs = await following;

        AssertOnceEach(accepted, jobs);
        Assert.DoesNotContain(victim, service.NodeProcesses());
        Assert.Equal(0, await service.StopAsync());
        AssertNoProcessIsLeft(service);
    }

    [SkippableFact]
    public async Task A_killed_web_tier_comes_back_to_what_was_accepted()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        await using (var first = await RunningService.StartAsync(data, ownsData: false, QuickPolls))
        {
            accepted = await first.UploadAsync(TestPictures.Many(100));
            await first.KillWebAsync();
        }

        await using var second = await RunningService.StartAsync(data, ownsData: true, QuickPolls, ShortLease);
        var jobs = await second.FollowAsync(BatchId(accepted), Enough);

        AssertOnceEach(accepted, jobs);
        await second.FleetEndsAsync(Enough);
    }

    private static string BatchId(JsonElement accepted) => accepted.GetProperty("batchId").GetString()!;

    private static void AssertLabel(TestPicture picture, IReadOnlyList<JsonElement> jobs)
    {
        var job = Assert.Single(jobs, job => job.GetProperty("fileName").GetString() == picture.Name);
        Assert.Equal("classified", job.GetProperty("status").GetString());
        var predictions = job.GetProperty("predictions").EnumerateArray().ToList();
        Assert.Equal(5, predictions.Count);
        if (picture.ExpectedIndex is { } index) Assert.Equal(index, predictions[0].GetProperty("index").GetInt32());
    }

    private static void AssertOnceEach(JsonElement accepted, IReadOnlyList<JsonElement> jobs) => Assert.Equal(
        accepted.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("jobId").GetString()).Order(),
        jobs.Select(job => job.GetProperty("jobId").GetString()).Order());

    private static void AssertNoProcessIsLeft(RunningService service)
    {
        Assert.Empty(service.NodeProcesses());
        Assert.Empty(ProcessTable.Running(service.DataFolder, "web"));
    }
}
