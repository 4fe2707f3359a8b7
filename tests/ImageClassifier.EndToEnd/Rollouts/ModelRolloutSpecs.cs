using System.Security.Cryptography;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Rollouts;

/// <summary>Models of the registry that become active, are tried by a canary and are rolled back, while pictures
/// arrive.</summary>
public sealed class ModelRolloutSpecs : IDisposable
{
    // The model of the setting.
    private const string Own = "tiny-imagenet-200";

    // Nodes live through the test, so running nodes take each model.
    private static readonly string[] LongLife = ["node.polling.wait-time=1s", "node.termination.max-empty-polls=60"];

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    private readonly string _data = Directory.CreateTempSubdirectory("image-classifier-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SkippableFact]
    public Task Models_roll_forward_and_back_under_load() => RollAsync(
        ["scaling.policy=per-image", "scaling.max-instances=2", .. LongLife],
        ["--data", _data],
        key => File.WriteAllTextAsync(Path.Combine([_data, "objects", .. key.Split('/')]), "damaged"));

    [SkippableFact]
    public async Task Models_roll_forward_and_back_under_load_on_aws()
    {
        FauxqsEmulator.Require();
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        await RollAsync([.. aws.Settings, .. LongLife], aws.Arguments, key => aws.WriteAsync(key, "damaged"));
    }

    private async Task RollAsync(string[] settings, IEnumerable<string> arguments, Func<string, Task> damage)
    {
        await using var service = await RunningService.StartAsync(_data, ownsData: false, settings);
        foreach (var name in (string[])["one", "two"]) await PushAsync(name);
        var damaged = await PushAsync("three");
        await damage(damaged);
        await using var load = UploadLoad.Start(service);
        await load.AwaitAnswerOfAsync(Own);

        var open = await load.UploadLongAsync();
        await ModelsAsync("activate", "one");
        Assert.False(open.IsCompleted);
        Assert.Equal(Own, Assert.Single((await open).Models).Name);
        await load.AwaitAnswerOfAsync("one");
        await ModelsAsync("canary", "two", "--share", "50%");
        await load.AwaitAnswerOfAsync("two");
        await load.AwaitAnswerOfAsync("one");
        await AssertFiguresAsync(service);
        await ModelsAsync("rollback");
        await ModelsAsync("activate", "two");
        await AwaitActiveAsync(service, "two");
        await load.AwaitAnswerOfAsync("two");
        open = await load.UploadLongAsync();
        await ModelsAsync("rollback");
        Assert.False(open.IsCompleted);
        Assert.Equal("two", Assert.Single((await open).Models).Name);
        Assert.Equal(2, (await open).Instances.Count());
        await load.AwaitAnswerOfAsync("one");

        await ModelsAsync("activate", "three");
        await Until.HoldsAsync(
            async () => Verdict(await ModelsAsync("registry"), "three") == "unusable", Enough,
            () => $"No node has refused the damaged model:\n{service.Log}");
        await load.AwaitAnswerOfAsync("one");

        var batches = await load.StopAsync();
        Assert.All(batches, batch => Assert.Single(batch.Models));
        Assert.All(
            batches.SelectMany(batch => batch.Jobs),
            job => Assert.Equal("classified", job.GetProperty("status").GetString()));
        Assert.Equal(
            ["one", Own, "two"], batches.SelectMany(batch => batch.Models).Distinct().Select(model => model.Name).Order());

        async Task<JsonElement> ModelsAsync(params string[] verb)
        {
            var (exitCode, output, error) = await BuiltProgram.RunAsync(["models", .. verb, "--json", .. arguments]);
            Assert.True(exitCode == 0, $"{output}\n{error}");
            return JsonElement.Parse(output);
        }

        // The result is the key of the network.
        async Task<string> PushAsync(string name)
        {
            using var model = new CopiedModel();
            model.Rename(name);
            var network = await File.ReadAllBytesAsync(Path.Combine(model.Path, "model.onnx"));
            var pushed = await ModelsAsync("push", model.Path, "--name", name);
            return $"models/{name}/{pushed.GetProperty("sha256").GetString()}/"
                + Convert.ToHexStringLower(SHA256.HashData(network));
        }
    }

    // The canary answers with its model too, so an answer does not show that the model is active.
    private static Task AwaitActiveAsync(RunningService service, string model) => Until.HoldsAsync(
        async () =>
        {
            var rollout = (await service.GetJsonAsync("/api/fleet")).GetProperty("rollout");
            return rollout.GetProperty("active").GetProperty("name").GetString() == model
                && !rollout.TryGetProperty("canary", out _);
        },
        Enough,
        () => $"The web tier does not see that {model} is active:\n{service.Log}");

    private static string? Verdict(JsonElement registry, string name) => registry.GetProperty("models").EnumerateArray()
        .Single(model => model.GetProperty("name").GetString() == name).GetProperty("verdict").GetString();

    private static async Task AssertFiguresAsync(RunningService service)
    {
        var fleet = await service.GetJsonAsync("/api/fleet");
        var models = fleet.GetProperty("models").EnumerateArray()
            .ToDictionary(model => model.GetProperty("name").GetString()!);
        Assert.Equal(
            ("active", "canary"),
            (models["one"].GetProperty("role").GetString(), models["two"].GetProperty("role").GetString()));
        foreach (var name in (string[])["one", "two"])
        {
            Assert.True(models[name].GetProperty("classified").GetInt64() > 0);
            Assert.Equal(0, models[name].GetProperty("failedShare").GetDouble());
            Assert.InRange(models[name].GetProperty("meanConfidence").GetDouble(), 0.2, 0.9);
        }
    }
}
