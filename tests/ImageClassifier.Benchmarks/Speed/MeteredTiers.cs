using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The service with the one app node of its fleet, of which the CPU times are read.</summary>
internal sealed class MeteredTiers : IAsyncDisposable
{
    // The runtime compiles each method once, before its first call. By default it compiles methods again while they run, and
    // most of that would fall into so short a measurement.
    private static readonly Dictionary<string, string> CompiledOnce = new() { ["DOTNET_TieredCompilation"] = "0" };

    private readonly RunningService _service;
    private readonly MeteredProcess _web;
    private readonly MeteredProcess _node;

    private MeteredTiers(RunningService service, MeteredProcess web, MeteredProcess node)
    {
        _service = service;
        _web = web;
        _node = node;
    }

    /// <summary>Starts both tiers. A photo makes the web tier launch the node.</summary>
    /// <param name="uploads">The client.</param>
    /// <param name="settings">Settings of the environment, without the prefix image-classifier.</param>
    public static async Task<MeteredTiers> StartAsync(Uploads uploads, IEnumerable<string> settings)
    {
        var service = await RunningService.StartAsync(
            Directory.CreateTempSubdirectory("image-classifier-").FullName,
            ownsData: true,
            CompiledOnce,
            [
                $"node.classification.model={Repository.SharedFile("models", "mobilenet-v2")}", "scaling.max-instances=1",
                "node.termination.max-empty-polls=1000", "node.polling.wait-time=1s",
                // As the bare limit works. A node that measures what is fastest uses CPU time that no picture needs.
                "node.classification.classifiers=cores", "node.classification.threads=1", "node.classification.max-batch=1",
                .. settings,
            ]);
        try
        {
            await uploads.SendAsync(service, 1);
            var folder = service.DataFolder;
            var tiers = new MeteredTiers(
                service,
                MeteredProcess.Of(service.ProcessId, folder),
                MeteredProcess.Of(service.NodeProcesses().Single(), folder));
            await tiers._web.UntilQuietAsync();
            await tiers._node.UntilQuietAsync();
            return tiers;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has photos classified.</summary>
    /// <returns>The CPU time of each tier for them.</returns>
    public async Task<(TimeSpan Web, TimeSpan Node)> ClassifyAsync(Uploads uploads, int count)
    {
        var (web, node) = (_web.Cpu, _node.Cpu);
        await uploads.SendAsync(_service, count);
        return (_web.Cpu - web, _node.Cpu - node);
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _node.DisposeAsync();
        await _service.DisposeAsync();
    }
}
