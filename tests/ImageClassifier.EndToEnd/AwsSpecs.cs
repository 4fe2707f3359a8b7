using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Both tiers in the environment <c>aws</c>, with SQS and S3 on an emulator and app nodes as processes.</summary>
public sealed partial class AwsSpecs : IAsyncLifetime
{
    private const string Bucket = "end-to-end";

    // Web tier and nodes together, in requests to SQS for each picture.
    private const double MostRequests = 0.8;

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(3);

    // No account of anyone's: the emulator takes any.
    private static readonly Dictionary<string, string> Variables = new()
    {
        ["AWS_ACCESS_KEY_ID"] = "emulated",
        ["AWS_SECRET_ACCESS_KEY"] = "emulated",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private FauxqsEmulator? _emulator;

    public async Task InitializeAsync()
    {
        foreach (var (name, value) in Variables) Environment.SetEnvironmentVariable(name, value);
        if (FauxqsEmulator.IsInstalled) _emulator = await FauxqsEmulator.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_emulator is not null) await _emulator.DisposeAsync();
        foreach (var name in Variables.Keys) Environment.SetEnvironmentVariable(name, null);
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each_for_few_requests()
    {
        await ProvisionAsync();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        string log;
        await using (var service = await RunningService.StartAsync(data, ownsData: false, Settings()))
        {
            accepted = await service.UploadAsync(TestPictures.Many(300));
            var jobs = await service.FollowAsync(BatchId(accepted), Enough);

            AssertOnceEach(accepted, jobs);
            await service.FleetEndsAsync(Enough);
            Assert.Equal(0, await service.StopAsync());
            log = service.Log;
        }

        await AssertObjectsAsync(accepted);
        var logs = Directory.EnumerateFiles(Path.Combine(data, "logs")).Select(File.ReadAllText).Append(log);
        var requests = logs.SelectMany(text => Reported().Matches(text))
            .Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        Directory.Delete(data, recursive: true);
        Assert.InRange(requests / 300.0, 0.05, MostRequests);
    }

    [SkippableFact]
    public async Task Three_hundred_pictures_come_back_once_each_although_a_node_is_killed()
    {
        await ProvisionAsync();
        await using var service = await RunningService.StartAsync([.. Settings(), "queues.requests.lease=5s"]);

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
    public async Task There_are_dead_letters_to_list_where_the_settings_say()
    {
        await ProvisionAsync();
        foreach (var queue in (string[])["requests", "responses"])
        {
            var (exitCode, output, error) = await BuiltProgram.RunAsync(
                ["queue", "list", "--queue", queue, "--json", .. Arguments()]);
            Assert.True(exitCode == 0, $"{output}\n{error}");
            Assert.Equal(0, JsonSerializer.Deserialize<JsonElement>(output).GetArrayLength());
        }
    }

    [SkippableFact]
    public async Task Check_says_what_is_missing()
    {
        FauxqsEmulator.Require();
        await BuiltProgram.RunAsync(["aws", "provision", .. Arguments(), "--set", "image-classifier.aws.s3.bucket=another"]);

        var (exitCode, output, error) = await BuiltProgram.RunAsync(["aws", "check", .. Arguments()]);

        Assert.Equal(1, exitCode);
        Assert.Empty(error);
        var wrong = Assert.Single(output.Split('\n'), line => line.StartsWith("wrong", StringComparison.Ordinal));
        Assert.Contains($"bucket {Bucket}", wrong, StringComparison.Ordinal);
    }

    private async Task ProvisionAsync()
    {
        FauxqsEmulator.Require();
        var (exitCode, output, error) = await BuiltProgram.RunAsync(["aws", "provision", .. Arguments()]);
        Assert.True(exitCode == 0, $"{output}\n{error}");
        Assert.Contains($"created bucket {Bucket}", output, StringComparison.Ordinal);
    }

    private string[] Settings() =>
    [
        "environment=aws", "fleet.kind=processes", "aws.region=eu-central-1", $"aws.s3.bucket={Bucket}",
        $"aws.sqs.service-url={_emulator!.Endpoint}", $"aws.s3.service-url={_emulator.Endpoint}",
        "scaling.policy=per-image", "scaling.max-instances=2", "scaling.settle-time=1s",
        "node.polling.wait-time=2s", "node.classification.threads=1", "node.polling.decoders=2",
        // Processes are not charged by the minute, so they need not poll it out.
        "node.termination.min-lifetime=0s",
    ];

    private IEnumerable<string> Arguments() =>
        Settings().SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" });

    private async Task AssertObjectsAsync(JsonElement accepted)
    {
        var batch = BatchId(accepted);
        Assert.Equal(300, await CountAsync($"images/{batch}/"));
        Assert.Equal(300, await CountAsync($"results/{batch}/"));
        Assert.Equal(1, await CountAsync($"batches/{batch}/manifest.json"));
        Assert.Equal(0, await CountAsync("batches/open/"));
    }

    private async Task<int> CountAsync(string prefix)
    {
        using var http = new HttpClient();
        var listing = XDocument.Parse(
            await http.GetStringAsync(new Uri(_emulator!.Endpoint, $"/{Bucket}?list-type=2&prefix={prefix}")));
        return listing.Descendants().Count(element => element.Name.LocalName == "Key");
    }

    [GeneratedRegex(@"messages done with (\d+) requests to SQS")]
    private static partial Regex Reported();
}
