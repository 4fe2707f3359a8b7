using System.Net;
using System.Text.Json;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Faults;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>Processes of web nodes: several that form a cluster, and a single one.</summary>
public sealed class SeveralWebNodesSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    [SkippableFact]
    public async Task A_single_node_loads_no_cluster_library()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only Linux shows what a process has loaded");
        await using var service = await RunningService.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await service.Http.GetAsync("/health/ready")).StatusCode);
        var loaded = await File.ReadAllTextAsync($"/proc/{service.ProcessId}/maps");
        Assert.Contains("/Akka.dll", loaded, StringComparison.Ordinal);
        foreach (var part in new[] { "Akka.Cluster", "Akka.Remote", "Akka.Discovery", "DotNetty" })
            Assert.DoesNotContain($"/{part}", loaded, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_removed_node_reports_the_reason_and_exits_with_a_failure_code()
    {
        var ports = FreePorts();
        await using var second = await StartAsync(ports, ports[1]);
        foreach (var path in (string[])["/health/serving", "/health/ready", "/api/fleet"])
        {
            var alone = await second.Http.GetAsync(path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, alone.StatusCode);
            Assert.Contains("has not joined", await alone.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        await using var first = await StartAsync(ports, ports[0]);
        await ReadyAsync(first);
        await ReadyAsync(second);

        await first.KillWebAsync();

        Assert.Equal(1, await second.EndAsync(Enough));
        Assert.Contains("was removed from the cluster", second.Log, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_stopped_node_leaves_the_cluster_and_a_port_in_use_is_reported()
    {
        var ports = FreePorts();
        await using var first = await StartAsync(ports, ports[0]);
        await ReadyAsync(first);

        var (exitCode, _, error) = await BuiltProgram.RunAsync(
            ["web", "--urls", "http://127.0.0.1:0", "--data", $"{first.DataFolder}-2",
                .. Arguments(ports, ports[0])]);
        Assert.Equal(2, exitCode);
        Assert.Contains("image-classifier.web.cluster.port", error, StringComparison.Ordinal);

        Assert.Equal(0, await first.StopAsync("TERM"));
        if (Directory.Exists($"{first.DataFolder}-2")) Directory.Delete($"{first.DataFolder}-2", recursive: true);
    }

    [SkippableFact]
    public async Task App_nodes_survive_a_web_node_that_cannot_start_and_end_with_the_last_two_that_stop_together()
    {
        var ports = FreePorts();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using var first = await StartAsync(ports, ports[0], data, ownsData: true);
        await ReadyAsync(first);
        await first.FollowAsync(ServiceClient.BatchId(await first.UploadAsync(TestPictures.Many(1))), Enough);
        var nodes = first.NodeProcesses();
        Assert.NotEmpty(nodes);

        var (exitCode, _, error) = await BuiltProgram.RunAsync(
            ["web", "--urls", first.Address.ToString().TrimEnd('/'), "--data", data, .. Arguments(ports, ports[1])]);
        Assert.Equal(2, exitCode);
        Assert.Contains("image-classifier.web.urls", error, StringComparison.Ordinal);
        Assert.Equal(nodes, first.NodeProcesses());

        await using var second = await StartAsync(ports, ports[1], data, ownsData: false);
        await ReadyAsync(second);
        Assert.Equal(nodes, first.NodeProcesses());
        var exitCodes = await Task.WhenAll(first.StopAsync("TERM"), second.StopAsync("TERM"));
        Assert.All(exitCodes, code => Assert.Equal(0, code));
        await Until.HoldsAsync(
            () => first.NodeProcesses().Count == 0, Enough, () => $"App nodes outlive the web nodes:\n{second.Log}");
    }

    [SkippableFact]
    public async Task A_picture_that_another_web_node_accepted_is_a_repeat()
    {
        var ports = FreePorts();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using var first = await StartAsync(ports, ports[0], data, ownsData: true);
        await ReadyAsync(first);
        await using var second = await StartAsync(ports, ports[1], data, ownsData: false);
        await ReadyAsync(second);

        var pictures = TestPictures.Many(1).ToArray();
        var result = Assert.Single(await ClassifyAsync(first));
        Assert.False(result.TryGetProperty("cached", out _));
        var store = new StoredFiles(data);
        await Until.HoldsAsync(
            async () => (await store.ListAsync(RepeatKeys.All)).Any(RepeatKeys.IsRecord), Enough,
            () => $"The picture is not remembered:\n{first.Log}");
        var again = Assert.Single(await ClassifyAsync(second));
        Assert.True(again.GetProperty("cached").GetBoolean());
        Assert.Equal(result.GetProperty("predictions").ToString(), again.GetProperty("predictions").ToString());

        async Task<IReadOnlyList<JsonElement>> ClassifyAsync(RunningService service) =>
            await service.FollowAsync(ServiceClient.BatchId(await service.UploadAsync(pictures)), Enough);
    }

    private static Task<RunningService> StartAsync(int[] ports, int port) =>
        RunningService.StartAsync(Settings(ports, port));

    private static Task<RunningService> StartAsync(int[] ports, int port, string data, bool ownsData) =>
        RunningService.StartAsync(data, ownsData, Settings(ports, port));

    private static IEnumerable<string> Arguments(int[] ports, int port) =>
        Settings(ports, port).SelectMany(one => new[] { "--set", $"image-classifier.{one}" });

    private static string[] Settings(int[] ports, int port) =>
    [
        "web.cluster.enabled=on", "web.cluster.host=127.0.0.1", $"web.cluster.port={port}",
        $"web.cluster.seeds={string.Join(',', ports.Select(one => $"127.0.0.1:{one}"))}",
        // App nodes do not end by themselves.
        "node.termination.max-empty-polls=1000",
        "uploads.repeats=own-key",
    ];

    private static Task ReadyAsync(RunningService service) => Until.HoldsAsync(
        async () => (await service.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK,
        Enough, () => $"The node is not ready:\n{service.Log}");

    /// <summary>The first port makes the lower address.</summary>
    private static int[] FreePorts() => [.. new[] { FreePort.Next(), FreePort.Next() }.Order()];
}
