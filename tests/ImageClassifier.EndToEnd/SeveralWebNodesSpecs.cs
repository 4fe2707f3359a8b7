using System.Net;
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
        var alone = await second.Http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, alone.StatusCode);
        Assert.Contains("has not joined", await alone.Content.ReadAsStringAsync(), StringComparison.Ordinal);
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
                .. Settings(ports, ports[0]).SelectMany(one => new[] { "--set", $"image-classifier.{one}" })]);
        Assert.Equal(2, exitCode);
        Assert.Contains("image-classifier.web.cluster.port", error, StringComparison.Ordinal);

        Assert.Equal(0, await first.StopAsync("TERM"));
        if (Directory.Exists($"{first.DataFolder}-2")) Directory.Delete($"{first.DataFolder}-2", recursive: true);
    }

    private static Task<RunningService> StartAsync(int[] ports, int port) =>
        RunningService.StartAsync(Settings(ports, port));

    private static string[] Settings(int[] ports, int port) =>
    [
        "web.cluster.enabled=on", "web.cluster.host=127.0.0.1", $"web.cluster.port={port}",
        $"web.cluster.seeds={string.Join(',', ports.Select(one => $"127.0.0.1:{one}"))}",
    ];

    private static Task ReadyAsync(RunningService service) => Until.HoldsAsync(
        async () => (await service.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK,
        Enough, () => $"The node is not ready:\n{service.Log}");

    /// <summary>The first port makes the lower address.</summary>
    private static int[] FreePorts() => [.. new[] { FreePort.Next(), FreePort.Next() }.Order()];
}
