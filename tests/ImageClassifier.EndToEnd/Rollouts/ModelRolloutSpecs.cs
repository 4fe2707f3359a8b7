using System.Net.Http.Headers;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;

namespace ImageClassifier.EndToEnd.Rollouts;

/// <summary>Models that become active, are tried by a canary and are rolled back, while pictures arrive.</summary>
public sealed class ModelRolloutSpecs : IDisposable
{
    // The model of the setting.
    private const string Own = "tiny-imagenet-200";

    private static readonly string[] Pushed = ["one", "two", "three"];

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    private readonly string _data = Directory.CreateTempSubdirectory("image-classifier-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SkippableFact]
    public Task Models_roll_forward_and_back_under_load_without_a_failed_picture() => RollAsync(
        [
            "scaling.policy=per-image", "scaling.max-instances=2", "node.polling.wait-time=1s",
            "node.termination.max-empty-polls=20",
        ],
        key =>
        {
            File.WriteAllText(Path.Combine([_data, "objects", .. key.Split('/')]), "damaged");
            return Task.CompletedTask;
        });

    [SkippableFact]
    public async Task Models_roll_forward_and_back_under_load_on_aws()
    {
        FauxqsEmulator.Require();
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        await RollAsync(
            [.. aws.Settings, "node.termination.max-empty-polls=20"], key => aws.WriteAsync(key, "damaged"));
    }

    private async Task RollAsync(string[] settings, Func<string, Task> damage)
    {
        var references = new Dictionary<string, string>();
        foreach (var name in Pushed) references[name] = await AddAndPushAsync(name, settings);
        await using var service = await RunningService.StartAsync(_data, ownsData: false, settings);
        await using var load = UploadLoad.Start(service);
        await load.AwaitAnswerOfAsync(Own);

        await VerbAsync(settings, "activate", "one");
        await load.AwaitAnswerOfAsync("one");
        await VerbAsync(settings, "canary", "two", "--share", "50%");
        await load.AwaitAnswerOfAsync("two");
        await load.AwaitAnswerOfAsync("one");
        await AssertFiguresAsync(service, "one", "two");
        await VerbAsync(settings, "rollback");
        await VerbAsync(settings, "activate", references["two"]);
        await load.AwaitAnswerOfAsync("two");
        await VerbAsync(settings, "rollback");
        await load.AwaitAnswerOfAsync("one");

        await damage(NetworkKey(references["three"]));
        await VerbAsync(settings, "activate", "three");
        await Until.HoldsAsync(
            async () => VerdictOf(await VerbAsync(settings, "registry"), "three") is false, Enough,
            () => $"No node has refused the damaged model:\n{service.Log}");
        await load.AwaitAnswerOfAsync("one");

        var batches = await load.StopAsync();
        Assert.All(batches, batch => Assert.Single(batch.Models));
        Assert.All(batches.SelectMany(batch => batch.Jobs), job =>
            Assert.Equal("classified", job.GetProperty("status").GetString()));
        Assert.Equal(
            [Own, "one", "two"], batches.SelectMany(batch => batch.Models).Distinct().Order(StringComparer.Ordinal).Reverse());
    }
}
