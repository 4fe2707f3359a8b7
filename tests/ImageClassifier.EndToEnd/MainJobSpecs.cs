using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>The main job as a user sees it: pictures in, labels out, by app nodes that come and go.</summary>
public sealed partial class MainJobSpecs
{
    private const string QuickPolls = "node.polling.wait-time=1s";
    private const string ShortLease = "queues.requests.lease=5s";

    // Longer than a test waits, so a job that is not handed back would be missed.
    private const string LongLease = "queues.requests.lease=10m";

    // Slow ones, which last for seconds: a test steps in after the first result.
    private const int Work = 150;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Every_sample_picture_is_classified_by_processes_that_end_themselves()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);

        var accepted = await service.UploadAsync(TestPictures.All);
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await Until.HoldsAsync(() => service.NodeProcesses().Count > 0, Enough, () => $"No node started:\n{service.Log}");
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
    public async Task The_default_model_names_what_photos_show()
    {
        await using var service = await RunningService.StartAsync(
            QuickPolls, "node.classification.model=models/tiny-imagenet-200");
        (string Name, string Label)[] photos =
            [("goldfish.jpg", "goldfish"), ("go_kart.jpg", "go-kart"), ("viaduct_grey.jpg", "viaduct")];

        var accepted = await service.UploadAsync(photos.Select(photo => new TestPicture(
            photo.Name, File.ReadAllBytes(Repository.SharedFile("images", photo.Name)), null)));
        var jobs = await service.FollowAsync(BatchId(accepted), Enough);

        Assert.Equal(
            photos.Order(),
            jobs.Select(job => (
                job.GetProperty("fileName").GetString()!,
                job.GetProperty("predictions")[0].GetProperty("label").GetString()!)).Order());
        Assert.All(jobs, job => Assert.Equal(200, job.GetProperty("model").GetProperty("classes").GetInt32()));
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
    public async Task The_fleet_grows_and_shrinks_with_the_work_and_logs_it_in_a_few_lines()
    {
        // The settings say that pictures take long, so that one node is not enough.
        await using var service = await RunningService.StartAsync(
            QuickPolls, "scaling.max-instances=4", "scaling.latency.service-time=500ms");

        var accepted = await service.UploadAsync(TestPictures.Many(300));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        var most = 0;
        await Until.HoldsAsync(
            () =>
            {
                most = Math.Max(most, service.NodeProcesses().Count);
                return following.IsCompleted && service.NodeProcesses().Count == 0;
            },
            Enough,
            () => $"App nodes are left:\n{service.Log}");
        AssertOnceEach(accepted, await following);
        Assert.InRange(most, 2, 4);

        // The whole log, including the start of the service.
        var lines = service.Log.Split('\n');
        // The first decision depends on how many messages the outbox has sent by then.
        Assert.Contains(lines, line => FirstLaunch().IsMatch(line));
        Assert.Contains(lines, line => line.Contains("The fleet is at zero", StringComparison.Ordinal));
        Assert.True(lines.Length < 20, $"{lines.Length} lines:\n{service.Log}");
        // Each node ended after exactly three empty polls.
        var logs = Directory.GetFiles(Path.Combine(service.DataFolder, "logs"));
        Assert.InRange(logs.Length, most, 8);
        Assert.All(logs, log => Assert.Contains(
            "3 polls in a row were empty and nothing waits: the instance ends",
            File.ReadAllText(log),
            StringComparison.Ordinal));
        Assert.Equal(0, await service.StopAsync());
        AssertNoProcessIsLeft(service);
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each_although_a_node_is_killed()
    {
        await using var service = await RunningService.StartAsync(QuickPolls, ShortLease);

        var accepted = await service.UploadAsync(TestPictures.Slow(300));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await WorkBeginsAsync(service, accepted, 300);
        var victim = service.NodeProcesses()[0];
        ProcessTable.Signal(victim, "KILL");
        var jobs = await following;

        AssertOnceEach(accepted, jobs);
        Assert.DoesNotContain(victim, service.NodeProcesses());
        Assert.Equal(0, await service.StopAsync());
        AssertNoProcessIsLeft(service);
    }

    [SkippableFact]
    public async Task A_restarted_web_tier_still_has_every_accepted_picture()
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

    [SkippableFact]
    public async Task Nodes_whose_web_tier_was_killed_finish_and_end_by_themselves()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using (var service = await RunningService.StartAsync(data, ownsData: false, QuickPolls))
        {
            var accepted = await service.UploadAsync(TestPictures.Slow(Work));
            await WorkBeginsAsync(service, accepted, Work);
            await service.KillWebAsync();

            await Until.HoldsAsync(
                () => service.NodeProcesses().Count == 0, Enough, () => "The nodes did not end by themselves.");
        }

        Assert.Equal(Work, Directory.EnumerateFiles(
            Path.Combine(data, "objects", "results"), "*.json", SearchOption.AllDirectories)
            .Count(file => Path.GetFileName(file) != "model.json"));
        Directory.Delete(data, recursive: true);
    }

    [SkippableFact]
    public async Task Terminated_nodes_hand_back_the_jobs_that_they_have_not_started()
    {
        await using var service = await RunningService.StartAsync(QuickPolls, LongLease);

        var accepted = await service.UploadAsync(TestPictures.Slow(Work));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await WorkBeginsAsync(service, accepted, Work);
        foreach (var node in service.NodeProcesses()) ProcessTable.Signal(node, "TERM");
        var jobs = await following;

        AssertOnceEach(accepted, jobs);
    }

    [SkippableFact]
    public async Task Stopping_in_the_middle_loses_nothing_and_the_batch_keeps_its_model_under_another_setting()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        await using (var first = await RunningService.StartAsync(
            data, ownsData: false, QuickPolls, LongLease))
        {
            CopiedModel.CopyTo(Path.Combine(data, "models", "earlier"));
            accepted = await first.UploadAsync(TestPictures.Slow(Work));
            await WorkBeginsAsync(first, accepted, Work);
            Assert.Equal(0, await first.StopAsync());
            AssertNoProcessIsLeft(first);
        }

        using var another = new CopiedModel();
        another.Rename("another-model");
        await using var second = await RunningService.StartAsync(data, ownsData: true, QuickPolls, another.Setting);
        var jobs = await second.FollowAsync(BatchId(accepted), Enough);

        AssertOnceEach(accepted, jobs);
        var batch = await second.GetJsonAsync($"/api/batches/{BatchId(accepted)}");
        var model = Assert.Single(batch.GetProperty("models").EnumerateArray());
        Assert.NotEqual("another-model", model.GetProperty("name").GetString());
    }

    [GeneratedRegex("Scaling: [1-9][0-9]* waiting, .* [1-4] wanted, [1-4] launched: ")]
    private static partial Regex FirstLaunch();

    private static Task WorkBeginsAsync(RunningService service, JsonElement accepted, int total) => Until.HoldsAsync(
        async () =>
        {
            var completed = (await service.GetJsonAsync($"/api/batches/{BatchId(accepted)}"))
                .GetProperty("completed").GetInt32();
            Assert.True(completed < total, "The work was over before the test could step in.");
            return completed > 0;
        },
        Enough,
        () => $"The work never began:\n{service.Log}");

    private static void AssertLabel(TestPicture picture, IReadOnlyList<JsonElement> jobs)
    {
        var job = Assert.Single(jobs, job => job.GetProperty("fileName").GetString() == picture.Name);
        Assert.Equal("classified", job.GetProperty("status").GetString());
        var predictions = job.GetProperty("predictions").EnumerateArray().ToList();
        Assert.Equal(5, predictions.Count);
        if (picture.ExpectedIndex is { } index) Assert.Equal(index, predictions[0].GetProperty("index").GetInt32());
    }

    private static void AssertNoProcessIsLeft(RunningService service)
    {
        Assert.Empty(service.NodeProcesses());
        Assert.Empty(ProcessTable.Running(service.DataFolder, "web"));
    }
}
