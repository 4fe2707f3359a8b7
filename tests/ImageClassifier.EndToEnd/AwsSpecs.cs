using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Both tiers in the environment <c>aws</c>, with SQS and S3 on an emulator and app nodes as processes.</summary>
public sealed partial class AwsSpecs(ITestOutputHelper output) : IAsyncLifetime
{
    // The requests to SQS for each picture, of web tier and nodes together. The scaler's requests are left out, because
    // they depend on time, and so are the queues' addresses, which each process asks for at its start.
    private const double MostSqsRequests = 0.6;

    // A picture is written and read, and its result is written. The rest depends on time and on the number of batches:
    // node records, manifest, markers, lists.
    private const double MostS3Requests = 3.3;

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(3);

    private EmulatedAws? _aws;

    private EmulatedAws Aws
    {
        get
        {
            FauxqsEmulator.Require();
            return _aws!;
        }
    }

    public async Task InitializeAsync()
    {
        if (FauxqsEmulator.IsInstalled) _aws = await EmulatedAws.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_aws is not null) await _aws.DisposeAsync();
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_are_classified_once_each_with_few_requests()
    {
        await Aws.ProvisionAsync();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        string log;
        await using (var service = await RunningService.StartAsync(data, ownsData: false, [.. Aws.Settings]))
        {
            accepted = await service.UploadAsync(TestPictures.Many(300));
            var jobs = await service.FollowAsync(BatchId(accepted), Enough);

            AssertOnceEach(accepted, jobs);
            await service.FleetEndsAsync(Enough);
            Assert.Equal(0, await service.StopAsync());
            log = service.Log;
        }

        await AssertObjectsAsync(accepted);
        var logs = Directory.EnumerateFiles(Path.Combine(data, "logs")).Select(File.ReadAllText).Append(log).ToArray();
        var sqs = logs.Sum(text => SumOf(Reported(), text) - SumOf(OtherSqsRequests(), text)) / 300.0;
        var s3 = logs.Sum(text => SumOf(S3Requests(), text)) / 300.0;
        output.WriteLine($"A picture took {sqs:0.000} requests to SQS and {s3:0.000} to S3.");
        Directory.Delete(data, recursive: true);
        Assert.InRange(sqs, 0.05, MostSqsRequests);
        Assert.InRange(s3, 3, MostS3Requests);
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each_although_a_node_is_killed()
    {
        await Aws.ProvisionAsync();
        await using var service = await RunningService.StartAsync([.. Aws.Settings, "queues.requests.lease=5s"]);

        var accepted = await service.UploadAsync(TestPictures.Many(300));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        await Until.HoldsAsync(
            async () => (await service.GetJsonAsync($"/api/batches/{BatchId(accepted)}"))
                .GetProperty("completed").GetInt32() > 0,
            Enough,
            () => $"The work never began:\n{service.Log}");
        ProcessTable.Signal(service.NodeProcesses()[0], "KILL");
        var jobs = await following;

        AssertOnceEach(accepted, jobs);
        await AssertObjectsAsync(accepted);
    }

    [SkippableFact]
    public async Task Dead_letters_are_listed_from_the_queue_in_the_settings()
    {
        await Aws.ProvisionAsync();
        foreach (var queue in (string[])["requests", "responses"])
        {
            var (exitCode, output, error) = await BuiltProgram.RunAsync(
                ["queue", "list", "--queue", queue, "--json", .. Aws.Arguments]);
            Assert.True(exitCode == 0, $"{output}\n{error}");
            Assert.Equal(0, JsonSerializer.Deserialize<JsonElement>(output).GetArrayLength());
        }
    }

    [SkippableFact]
    public async Task A_model_is_pushed_into_the_bucket_and_activated()
    {
        await Aws.ProvisionAsync();
        using var model = new CopiedModel();
        model.Rename("fruit");

        var pushed = await ModelsAsync("push", model.Path, "--name", "fruit");
        await ModelsAsync("activate", "fruit");
        var registry = await ModelsAsync("registry");

        var sha256 = pushed.GetProperty("sha256").GetString();
        Assert.Equal(sha256, registry.GetProperty("active").GetProperty("sha256").GetString());
        Assert.Equal("untried", Assert.Single(registry.GetProperty("models").EnumerateArray()).GetProperty("verdict").GetString());
        // Beside the files: their list.
        Assert.Equal(
            pushed.GetProperty("uploaded").GetInt32() + 1, await CountAsync($"models/fruit/{sha256}/"));
        Assert.Equal(1, await CountAsync("models/active.json"));

        async Task<JsonElement> ModelsAsync(params string[] arguments)
        {
            var (exitCode, output, error) = await BuiltProgram.RunAsync(["models", .. arguments, "--json", .. Aws.Arguments]);
            Assert.True(exitCode == 0, $"{output}\n{error}");
            return JsonElement.Parse(output);
        }
    }

    [SkippableFact]
    public async Task Check_says_what_is_missing()
    {
        await BuiltProgram.RunAsync(
            ["aws", "provision", .. Aws.Arguments, "--set", "image-classifier.aws.s3.bucket=another"]);

        var (exitCode, output, error) = await BuiltProgram.RunAsync(["aws", "check", .. Aws.Arguments]);

        Assert.Equal(1, exitCode);
        Assert.Empty(error);
        var wrong = Assert.Single(output.Split('\n'), line => line.StartsWith("wrong", StringComparison.Ordinal));
        Assert.Contains($"bucket {EmulatedAws.Bucket}", wrong, StringComparison.Ordinal);
    }

    private async Task AssertObjectsAsync(JsonElement accepted)
    {
        var batch = BatchId(accepted);
        Assert.Equal(300, await CountAsync($"images/{batch}/"));
        Assert.Equal(1, await CountAsync($"results/{batch}/model.json"));
        Assert.Equal(300 + 1, await CountAsync($"results/{batch}/"));
        Assert.Equal(1, await CountAsync($"batches/{batch}/manifest.json"));
        // The batch is closed after its last event, once the store was compared.
        await Until.HoldsAsync(
            async () => await CountAsync("batches/open/") == 0, Enough, () => "The batch was not closed.");
    }

    private static int SumOf(Regex numbers, string text) =>
        numbers.Matches(text).Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    private async Task<int> CountAsync(string prefix) => (await Aws.ListAsync(prefix)).Count;

    [GeneratedRegex(@"messages done with (\d+) requests to SQS")]
    private static partial Regex Reported();

    [GeneratedRegex(@"SQS (?:GetQueueAttributes|GetQueueUrl) (\d+)")]
    private static partial Regex OtherSqsRequests();

    [GeneratedRegex(@"S3 [A-Z]+ (\d+)")]
    private static partial Regex S3Requests();
}
