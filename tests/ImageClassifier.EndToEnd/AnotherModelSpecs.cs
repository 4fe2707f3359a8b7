using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>A web tier that is killed and restarted with another model while its nodes live on.</summary>
public sealed class AnotherModelSpecs
{
    private const string New = "another-model";

    // Long enough that nodes of the first web tier do not end themselves during the test.
    private static readonly string[] Settings =
        ["node.polling.wait-time=1s", "node.termination.max-empty-polls=1000", "queues.requests.lease=5s"];

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Every_picture_of_a_new_batch_is_answered_by_the_new_model_and_the_old_nodes_end()
    {
        using var model = new CopiedModel();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        IReadOnlyList<int> old;
        await using (var first = await RunningService.StartAsync(data, ownsData: false, [model.Setting, .. Settings]))
        {
            await first.FollowAsync(BatchId(await first.UploadAsync(TestPictures.Many(10))), Enough);
            old = first.NodeProcesses();
            Assert.NotEmpty(old);
            await first.KillWebAsync();
        }

        model.Rename(New);
        await using var second = await RunningService.StartAsync(data, ownsData: true, [model.Setting, .. Settings]);
        var accepted = await second.UploadAsync(TestPictures.Many(40));
        var jobs = await second.FollowAsync(BatchId(accepted), Enough);

        AssertOnceEach(accepted, jobs);
        Assert.All(jobs, job => Assert.Equal(New, job.GetProperty("model").GetProperty("name").GetString()));
        await Until.HoldsAsync(
            () => !second.NodeProcesses().Intersect(old).Any(), Enough, () => $"Old nodes live:\n{second.Log}");
    }

    [SkippableFact]
    public async Task Nodes_of_the_same_model_and_settings_continue_under_the_next_web_tier()
    {
        using var model = new CopiedModel();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        IReadOnlyList<int> old;
        await using (var first = await RunningService.StartAsync(data, ownsData: false, [model.Setting, .. Settings]))
        {
            await first.FollowAsync(BatchId(await first.UploadAsync(TestPictures.Many(10))), Enough);
            old = first.NodeProcesses();
            await first.KillWebAsync();
        }

        await using var second = await RunningService.StartAsync(data, ownsData: true, [model.Setting, .. Settings]);
        await second.FollowAsync(BatchId(await second.UploadAsync(TestPictures.Many(10))), Enough);

        Assert.NotEmpty(old);
        Assert.Superset(old.ToHashSet(), second.NodeProcesses().ToHashSet());
    }
}
