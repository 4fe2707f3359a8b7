using System.Globalization;
using System.Net;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>Ten times more uploads than fit. The service refuses them at once, stays within its memory, finishes what
/// it accepted, and works normally afterwards. <c>IMAGE_CLASSIFIER_OVERLOAD_SECONDS</c> is the duration of the load, 6
/// by default.</summary>
[Collection(AloneCollection.Name)]
public sealed class OverloadSpecs(ITestOutputHelper output)
{
    // The uploads that stream, and those that wait for a slot.
    private const int Room = 4 + 4;
    private const int Clients = 10 * Room;
    private const long MaxGrowth = 200 << 20;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan Load = TimeSpan.FromSeconds(int.Parse(
        Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_OVERLOAD_SECONDS") is { Length: > 0 } text ? text : "6",
        CultureInfo.InvariantCulture));

    [SkippableFact]
    public async Task Ten_times_the_capacity_is_refused_quickly_and_harms_nothing()
    {
        await using var service = await RunningService.StartAsync(
            "uploads.max-concurrent=4", "node.polling.wait-time=1s");
        // So that the memory that every process needs does not count as growth.
        await service.FollowAsync(BatchId(await service.UploadAsync(TestPictures.Many(20))), Enough);
        var before = ProcessMemory.Now(service.ProcessId);

        var answers = await new LoadGenerator(service.Address, Clients).RunAsync(Load);

        var accepted = answers.Where(answer => answer.IsAccepted).ToList();
        var refused = answers.Where(answer => !answer.IsAccepted).ToList();
        var peak = ProcessMemory.Peak(service.ProcessId) ?? 0;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Clients} clients, {Load.TotalSeconds} s: {accepted.Count} accepted, median {Median(accepted):0.0} ms; "
            + $"{refused.Count} refused, median {Median(refused):0.0} ms; "
            + $"memory {before >> 20} MiB before, {peak >> 20} MiB at most"));
        Assert.NotEmpty(accepted);
        Assert.True(refused.Count > accepted.Count, "That was no overload.");
        Assert.All(refused, answer =>
        {
            Assert.True(answer.Status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable);
            Assert.True(answer.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), "A refusal does not say when to return.");
        });
        Assert.True(Median(refused) < Median(accepted), "It takes longer to be refused than to be served.");
        Assert.InRange(peak - before, long.MinValue, MaxGrowth);

        await RecoversAsync(service, accepted);
    }

    private static async Task RecoversAsync(RunningService service, IReadOnlyList<LoadGenerator.Answer> accepted)
    {
        var later = await service.UploadAsync(TestPictures.Many(20));
        AssertOnceEach(later, await service.FollowAsync(BatchId(later), Enough));
        foreach (var answer in accepted)
            Assert.Single(await service.FollowAsync(answer.Batch!, Enough));
        Assert.Equal(HttpStatusCode.OK, (await service.Http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(0, await service.StopAsync());
    }

    private static double Median(IReadOnlyList<LoadGenerator.Answer> answers) =>
        answers.Select(answer => answer.Took.TotalMilliseconds).Order().ElementAtOrDefault(answers.Count / 2);
}
