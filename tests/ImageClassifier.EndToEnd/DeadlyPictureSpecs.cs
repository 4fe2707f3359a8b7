using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Pictures that crash every process that decodes them, by an invalid memory access, and pictures on which the
/// decoder always fails.</summary>
public sealed class DeadlyPictureSpecs(ITestOutputHelper output)
{
    private const int Good = 40;
    private const int Deadly = 10;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    // The jobs of a dead node return after a lease.
    private static readonly string[] Settings = ["queues.requests.lease=2s"];

    [SkippableFact]
    public async Task A_failed_picture_can_be_redriven_after_its_cause_is_gone()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await new RedriveStory(data, Settings, ["--data", data]).RunAsync();
    }

    // The allowed delay: a node's death with its lease and the next boot, and for each deadly picture the start of a
    // child. All this is processor time, so it grows with the time that the good pictures alone take on a busy machine.
    [SkippableFact]
    public async Task Deadly_pictures_hardly_slow_down_the_good_ones()
    {
        var (without, _) = await ClassifyAsync(deadly: 0);
        var (with, nodes) = await ClassifyAsync(Deadly);
        output.WriteLine($"{Good} good pictures: {without.TotalSeconds:0.0} s;"
            + $" with {Deadly} deadly ones {with.TotalSeconds:0.0} s, {nodes} nodes delivered results");
        var allowed = TimeSpan.FromSeconds(Math.Max(10, 3 * without.TotalSeconds));
        Assert.InRange(with, TimeSpan.Zero, without + allowed);
    }

    /// <summary>Classifies pictures with a new service.</summary>
    /// <returns>The time until the last good picture is done, and the number of nodes that delivered results.</returns>
    private static async Task<(TimeSpan Took, int Nodes)> ClassifyAsync(int deadly)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using var service = await RunningService.StartFaultyAsync(data, ownsData: true, Settings);
        var pictures = TestPictures.Many(Good).ToList();
        for (var i = 0; i < deadly; i++)
        {
            var crash = new TestPicture($"deadly-{i}.jpg", [.. pictures[0].Bytes, .. FragileClassifier.Crash], null);
            pictures.Insert((i + 1) * pictures.Count / (deadly + 1), crash);
        }

        var started = Stopwatch.StartNew();
        var accepted = await service.UploadAsync(pictures);
        using var cancellation = new CancellationTokenSource(Enough);
        using var socket = await ConnectAsync(service, $"batch={BatchId(accepted)}", cancellation.Token);
        var jobs = new List<JsonElement>();
        var lastGood = TimeSpan.Zero;
        while (await ReceiveAsync(socket, cancellation.Token) is { } received
            && received.GetProperty("type").GetString() == "result")
        {
            var job = received.GetProperty("job");
            jobs.Add(job);
            if (job.GetProperty("status").GetString() == "classified") lastGood = started.Elapsed;
        }

        AssertOnceEach(accepted, jobs);
        foreach (var job in jobs)
        {
            var isDeadly = job.GetProperty("fileName").GetString()!.StartsWith("deadly", StringComparison.Ordinal);
            if (isDeadly) Assert.Equal("killed-decoder", job.GetProperty("errorCode").GetString());
            else Assert.Equal("classified", job.GetProperty("status").GetString());
        }

        Assert.Equal(0, await service.StopAsync());
        return (lastGood, jobs.Select(job => job.GetProperty("instanceId").GetString()).Distinct().Count());
    }
}
