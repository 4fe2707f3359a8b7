using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Pictures that crash whatever process decodes them, by a write to memory that is not its own, and pictures
/// on which the decoder fails every time.</summary>
public sealed class DeadlyPictureSpecs(ITestOutputHelper output)
{
    private const int Good = 40;
    private const int Deadly = 10;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    // What a dead node had in hand comes back after a lease.
    private static readonly string[] Settings = ["queues.requests.lease=2s"];

    [SkippableFact]
    public async Task A_failed_picture_can_be_redriven_after_its_cause_is_gone()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await new RedriveStory(data, Settings, ["--data", data]).RunAsync();
    }

    // A node's death with its lease and the next boot, and for each deadly picture what a child's start takes longer than
    // the good ones before it. All of it is work of the processor, so a busy machine, which shows in what the good ones
    // take alone, takes longer for it.
    [SkippableFact]
    public async Task Deadly_pictures_hardly_slow_down_the_good_ones()
    {
        var (without, _) = await ClassifyAsync(deadly: 0);
        var (with, nodes) = await ClassifyAsync(Deadly);
        output.WriteLine($"{Good} good pictures: {without.TotalSeconds:0.0} s;"
            + $" with {Deadly} deadly ones {with.TotalSeconds:0.0} s, {nodes} nodes brought results");
        var allowed = TimeSpan.FromSeconds(Math.Max(10, 3 * without.TotalSeconds));
        Assert.InRange(with, TimeSpan.Zero, without + allowed);
    }

    /// <summary>Has pictures classified by a service that just started.</summary>
    /// <returns>How long the last of the good ones took, and how many nodes brought results.</returns>
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
