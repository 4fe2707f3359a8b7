using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>The data folder of the embedded environment: its owner, its permissions, and the loss of its parts while
/// the program runs.</summary>
public sealed class DataFolderSpecs
{
    private const string QuickPolls = "node.polling.wait-time=1s";

    // Longer than a test waits, so a job that a node neither finishes nor hands back would be missed.
    private const string LongLease = "queues.requests.lease=10m";
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableTheory]
    [InlineData("web")]
    [InlineData("node")]
    [InlineData("queue")]
    public async Task A_folder_with_foreign_files_is_refused_and_not_changed(string verb)
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        var old = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "tmp")).FullName, "old.tmp");
        await File.WriteAllTextAsync(old, "mine");
        File.SetLastWriteTimeUtc(old, DateTime.UnixEpoch);
        string[] arguments = verb switch
        {
            "web" => ["web", "--urls", "http://127.0.0.1:0"],
            "node" => ["node", "--instance", "node-1"],
            _ => ["queue", "list"],
        };

        var (exitCode, _, error) = await BuiltProgram.RunAsync([.. arguments, "--data", folder]);

        Assert.Equal(2, exitCode);
        Assert.Contains("is not a data folder of this program", error, StringComparison.Ordinal);
        Assert.Equal([old], Directory.GetFiles(folder, "*", SearchOption.AllDirectories));
        Directory.Delete(folder, recursive: true);
    }

    [SkippableFact]
    public async Task Only_its_user_can_read_the_program_s_files_without_the_help_of_a_umask()
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "Windows has no umask");
        const UnixFileMode others = (UnixFileMode)0b000_111_111;
        var before = SetUmask(0);
        try
        {
            await using var service = await RunningService.StartAsync(QuickPolls);
            var accepted = await service.UploadAsync(TestPictures.Many(3));
            await service.FollowAsync(BatchId(accepted), Enough);

            var folder = new DirectoryInfo(service.DataFolder);
            var everything = folder.GetFileSystemInfos("*", SearchOption.AllDirectories).Append(folder).ToArray();
            Assert.Contains(everything, entry => entry.Name == "requests.db-wal");
            Assert.Contains(everything, entry => entry.Name.StartsWith("node-", StringComparison.Ordinal)
                && entry.Extension == ".log");
            Assert.All(everything, entry => Assert.Equal(UnixFileMode.None, entry.UnixFileMode & others));
        }
        finally
        {
            _ = SetUmask(before);
        }
    }

    [SkippableFact]
    public async Task A_deleted_queue_is_reported_at_once_and_open_batches_are_finished_without_a_restart()
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "Windows deletes no open file");
        await using var service = await RunningService.StartAsync(QuickPolls, "scaling.max-instances=1");
        var accepted = await service.UploadAsync(TestPictures.Slow(40));

        foreach (var file in Directory.GetFiles(Path.Combine(service.DataFolder, "queues"), "requests.db*"))
            File.Delete(file);

        using (var ready = await service.Http.GetAsync("/health/ready"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            var problem = await ready.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("The request queue cannot be used.", problem.GetProperty("detail").GetString());
        }

        using (var form = Form([("a.jpg", TestPictures.All[0].Bytes)]))
        using (var refused = await service.Http.PostAsync("/api/batches", form))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("urn:image-classifier:queue-unavailable", problem.GetProperty("type").GetString());
        }

        var jobs = await service.FollowAsync(BatchId(accepted), Enough);
        AssertOnceEach(accepted, jobs);
        Assert.All(jobs, job => Assert.Equal("classified", job.GetProperty("status").GetString()));
        Assert.Contains("requests.db is gone", service.Log, StringComparison.Ordinal);
        using var again = await service.Http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [SkippableFact]
    public async Task A_queue_that_was_lost_between_two_runs_is_created_again_and_open_batches_are_finished()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        await using (var first = await RunningService.StartAsync(
            data, ownsData: false, QuickPolls, "scaling.max-instances=1"))
        {
            accepted = await first.UploadAsync(TestPictures.Slow(40));
            await first.StopAsync();
        }

        Directory.Delete(Path.Combine(data, "queues"), recursive: true);
        await using var second = await RunningService.StartAsync(data, ownsData: true, QuickPolls);

        AssertOnceEach(accepted, await second.FollowAsync(BatchId(accepted), Enough));
        Assert.Contains("was missing and is created again", second.Log, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_node_gets_no_secret_of_the_web_tiers_environment()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "a process's environment is read from /proc");
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        var variables = new Dictionary<string, string>
        {
            ["DATABASE_PASSWORD"] = "hunter2",
            ["SOMETHING_ELSE"] = "hunter2",
            ["IMAGE_CLASSIFIER__NODE__POLLING__WAIT_TIME"] = "1s",
        };
        await using var service = await RunningService.StartAsync(data, ownsData: true, variables);
        await service.UploadAsync(TestPictures.Slow(100));
        await Until.HoldsAsync(
            () => service.NodeProcesses().Count > 0, Enough, () => $"No node started:\n{service.Log}");

        var environment = await File.ReadAllTextAsync($"/proc/{service.NodeProcesses()[0]}/environ");

        Assert.DoesNotContain("hunter2", environment, StringComparison.Ordinal);
        Assert.Contains("IMAGE_CLASSIFIER__NODE__POLLING__WAIT_TIME=1s", environment, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Outdated_nodes_finish_or_hand_back_their_jobs()
    {
        await using var service = await RunningService.StartAsync(
            QuickPolls, LongLease, "scaling.max-lifetime=4s", "scaling.max-instances=1");

        // The nodes always have work, however fast they are, so none ends because it is idle.
        var batches = new List<(JsonElement Accepted, Task<IReadOnlyList<JsonElement>> Jobs)>();
        var started = Stopwatch.StartNew();
        do
        {
            Assert.True(started.Elapsed < Enough, $"No node is outdated:\n{service.Log}");
            var accepted = await service.UploadAsync(TestPictures.Slow(300));
            batches.Add((accepted, service.FollowAsync(BatchId(accepted), Enough)));
            if (batches.Count > 1) await batches[^2].Jobs;
        }
        while (!service.Log.Contains("it is older than", StringComparison.Ordinal));

        foreach (var (accepted, jobs) in batches) AssertOnceEach(accepted, await jobs);
        Assert.DoesNotContain("did not drain in time", service.Log, StringComparison.Ordinal);
    }

    [DllImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint SetUmask(uint mask);
}
