using Akka.TestKit.Xunit2;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>Nodes of a test, which end with it.</summary>
public abstract class ClusterSpecs(ITestOutputHelper output)
    : TestKit("akka.loggers = []\nakka.stdout-loglevel = OFF", output: output), Xunit.IAsyncLifetime
{
    /// <summary>A killed node is removed, and what it did alone is done elsewhere, within this time.</summary>
    protected static readonly TimeSpan HandOver = TimeSpan.FromSeconds(10);

    /// <summary>Joining takes a second or two; a busy machine takes longer.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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
        await AllSee(nodes, nodes.Length);
        return nodes;
    }

    private protected Task AllSee(IReadOnlyCollection<ClusterNode> nodes, int count, TimeSpan? limit = null) =>
        AwaitConditionAsync(
            () => Task.FromResult(nodes.All(node => node.Up.Count == count)), limit ?? Patience,
            TimeSpan.FromMilliseconds(50));
}
