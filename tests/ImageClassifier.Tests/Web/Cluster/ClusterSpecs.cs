using Akka.TestKit.Xunit2;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>Cluster tests run alone, because nodes without processor time remove each other.</summary>
[Xunit.CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ClusterCollection
{
    public const string Name = "Cluster";
}

/// <summary>The nodes of a test, which end with it.</summary>
public abstract class ClusterSpecs(ITestOutputHelper output)
    : TestKit("akka.loggers = []\nakka.stdout-loglevel = OFF", output: output), Xunit.IAsyncLifetime
{
    /// <summary>Joining takes a second or two, and the removal of a killed node less than ten. A busy machine needs
    /// longer.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ITestOutputHelper _log = output;
    private readonly List<ClusterNode> _nodes = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
            foreach (var line in node.Log) _log.WriteLine(line);
        }
    }

    private protected async Task<ClusterNode> Started(Task<ClusterNode> starting)
    {
        var node = await starting;
        _nodes.Add(node);
        return node;
    }

    private protected async Task<ClusterNode[]> Started(IEnumerable<Task<ClusterNode>> starting)
    {
        var nodes = await Task.WhenAll(starting);
        _nodes.AddRange(nodes);
        await UntilAllSeeAsync(nodes, nodes.Length);
        return nodes;
    }

    private protected Task UntilAllSeeAsync(IReadOnlyCollection<ClusterNode> nodes, int count) =>
        AwaitConditionAsync(
            () => Task.FromResult(nodes.All(node => node.Up.Count == count)), Patience,
            TimeSpan.FromMilliseconds(50));
}
