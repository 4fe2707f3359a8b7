using System.Diagnostics;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>A node that the system pauses and resumes.</summary>
[Collection(AloneCollection.Name)]
public sealed class PausedNodeSpecs
{
    private const int Pictures = 60;

    // Longer than the lease and all limits of a picture.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task A_paused_node_fails_no_picture()
    {
        await using var service = await RunningService.StartAsync(
            "scaling.max-instances=1", "queues.requests.lease=2s", "node.polling.wait-time=1s",
            "node.classification.decode-timeout=2s", "node.classification.timeout=5s",
            "node.termination.max-empty-polls=100");
        var accepted = await service.UploadAsync(TestPictures.Slow(Pictures));
        using var limit = new CancellationTokenSource(Enough);
        using (var socket = await ConnectAsync(service, $"batch={BatchId(accepted)}", limit.Token))
            await ReceiveAsync(socket, limit.Token);

        var node = Assert.Single(service.NodeProcesses());
        ProcessTable.Signal(node, "STOP");
        var paused = Stopwatch.StartNew();
        await Until.HoldsAsync(() => paused.Elapsed >= Pause, Enough, () => "The pause did not end.");
        ProcessTable.Signal(node, "CONT");

        var jobs = await service.FollowAsync(BatchId(accepted), Enough);
        AssertOnceEach(accepted, jobs);
        Assert.All(jobs, job => Assert.True(job.GetProperty("status").GetString() == "classified", $"{job}"));
        Assert.Equal(0, await service.StopAsync());
    }
}
