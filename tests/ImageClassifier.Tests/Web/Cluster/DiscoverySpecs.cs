using System.Net;
using ImageClassifier.Web.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>Forming a cluster if nodes only know how to find each other's addresses.</summary>
[Collection(ClusterCollection.Name)]
public sealed class DiscoverySpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    [Fact]
    public async Task Nodes_that_find_each_other_form_one_cluster_and_a_later_one_joins_it()
    {
        var ports = ClusterNode.FreePorts(2);
        IPAddress[] addresses = [IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.12")];
        var found = new WebNodeFinder(_ => Task.FromResult<IReadOnlyList<IPAddress>>(addresses));

        var nodes = await Started(addresses.Select(address => StartAsync(address, ports, found)));

        var third = IPAddress.Parse("127.0.0.2");
        addresses = [third, .. addresses];
        var later = await Started(StartAsync(third, ports, found));
        await UntilAllSeeAsync([.. nodes, later], 3);
        Assert.Null(later.Membership.Problem);
    }

    [Fact]
    public async Task A_node_waits_while_discovery_fails()
    {
        var answers = 0;
        var found = new WebNodeFinder(_ => Interlocked.Increment(ref answers) > 1
            ? Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback])
            : Task.FromException<IReadOnlyList<IPAddress>>(new IOException("EC2 does not answer")));

        var node = await Started(StartAsync(IPAddress.Loopback, ClusterNode.FreePorts(2), found));

        Assert.NotNull(node.Membership.Problem);
        await AwaitConditionAsync(() => Task.FromResult(node.Membership.Problem is null), Patience);
    }

    [Fact]
    public async Task A_node_that_is_not_found_itself_says_so_and_joins_once_it_is()
    {
        IPAddress[] addresses = [];
        var found = new WebNodeFinder(_ => Task.FromResult<IReadOnlyList<IPAddress>>(addresses));

        var node = await Started(StartAsync(IPAddress.Loopback, ClusterNode.FreePorts(2), found));
        await AwaitConditionAsync(
            () => Task.FromResult(node.Log.Any(line => line.Contains("is not among", StringComparison.Ordinal))),
            Patience);

        Assert.NotNull(node.Membership.Problem);
        addresses = [IPAddress.Loopback];
        await AwaitConditionAsync(() => Task.FromResult(node.Membership.Problem is null), Patience);
    }

    private static Task<ClusterNode> StartAsync(IPAddress address, int[] ports, WebNodeFinder finder) =>
        ClusterNode.StartAsync(
            new ClusterSettings(
                IsEnabled: true, address, ports[0], [], FindsNodesOnEc2: true, null, null),
            finder: finder);
}
