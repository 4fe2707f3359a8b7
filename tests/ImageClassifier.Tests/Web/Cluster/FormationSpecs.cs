using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Akka.Actor;
using Akka.Cluster.Hosting;
using ImageClassifier.Web.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>Forming a cluster by seeds, and the cluster after one node is killed.</summary>
[Collection(ClusterCollection.Name)]
public sealed class FormationSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    private readonly ITestOutputHelper _output = output;

    [Fact]
    public async Task In_a_cluster_of_three_a_killed_node_is_removed_its_singleton_moves_and_it_can_rejoin()
    {
        var settings = ClusterNode.Settings(3);
        var starts = new ConcurrentQueue<int>();
        var nodes = await Started(settings.Select(one => StartAsync(one, starts)));
        await AwaitConditionAsync(() => Task.FromResult(starts.Count == 1), Patience);
        starts.TryPeek(out var first);
        var oldest = Array.FindIndex(settings, one => one.Port == first);

        var watch = Stopwatch.StartNew();
        await nodes[oldest].KillAsync();
        ClusterNode[] rest = [.. nodes.Where((_, index) => index != oldest)];
        await UntilAllSeeAsync(rest, 2);
        var removed = watch.Elapsed;
        await AwaitConditionAsync(
            () => Task.FromResult(starts.Count == 2), Patience, TimeSpan.FromMilliseconds(50));
        _output.WriteLine($"Removed after {removed}, singleton elsewhere after {watch.Elapsed}");

        Assert.All(rest, node => Assert.Null(node.ShutdownReason));
        var again = await Started(StartAsync(settings[oldest], starts));
        await UntilAllSeeAsync([.. rest, again], 3);
        Assert.Null(again.Membership.Problem);
    }

    [Fact]
    public async Task A_killed_node_that_restarts_before_its_removal_joins_at_once()
    {
        var settings = ClusterNode.Settings(2);
        var nodes = await Started(settings.Select(one => ClusterNode.StartAsync(one)));

        await nodes[0].KillAsync();
        var again = await Started(ClusterNode.StartAsync(settings[0]));

        await AwaitConditionAsync(() => Task.FromResult(again.Membership.Problem is null), Patience);
        await UntilAllSeeAsync([nodes[1], again], 2);
        Assert.Null(nodes[1].ShutdownReason);
    }

    [Fact]
    public async Task In_a_cluster_of_two_the_node_with_the_lower_address_continues_alone()
    {
        var nodes = await Started(ClusterNode.Settings(2).Select(one => ClusterNode.StartAsync(one)));

        await nodes[1].KillAsync();

        await UntilAllSeeAsync([nodes[0]], 1);
        Assert.Null(nodes[0].Membership.Problem);
        Assert.Null(nodes[0].ShutdownReason);
    }

    [Fact]
    public async Task In_a_cluster_of_two_the_node_with_the_higher_address_is_downed_and_ends_itself()
    {
        var nodes = await Started(ClusterNode.Settings(2).Select(one => ClusterNode.StartAsync(one)));

        await nodes[0].KillAsync();

        await nodes[1].System.WhenTerminated.WaitAsync(Patience);
        Assert.IsType<CoordinatedShutdown.ClusterDowningReason>(nodes[1].ShutdownReason);
        Assert.NotNull(nodes[1].Membership.Problem);
    }

    [Fact]
    public async Task A_stopped_node_leaves_and_the_others_continue()
    {
        var nodes = await Started(ClusterNode.Settings(2).Select(one => ClusterNode.StartAsync(one)));

        await nodes[0].StopAsync();

        await UntilAllSeeAsync([nodes[1]], 1);
        Assert.Null(nodes[1].ShutdownReason);
        Assert.IsType<CoordinatedShutdown.ClrExitReason>(nodes[0].ShutdownReason);
    }

    [Fact]
    public async Task A_node_whose_first_seed_does_not_answer_is_not_ready_and_reports_it()
    {
        var settings = ClusterNode.Settings(2);

        var second = await Started(ClusterNode.StartAsync(settings[1]));
        Assert.Contains("has not joined", second.Membership.Problem, StringComparison.Ordinal);

        var first = await Started(ClusterNode.StartAsync(settings[0]));
        await AwaitConditionAsync(() => Task.FromResult(second.Membership.Problem is null), Patience);
        await UntilAllSeeAsync([first, second], 2);
    }

    [Fact]
    public async Task A_node_may_have_an_address_of_IPv6()
    {
        var settings = ClusterNode.Settings(1)[0];
        var six = settings with
        {
            Host = IPAddress.IPv6Loopback,
            Seeds = [new IPEndPoint(IPAddress.IPv6Loopback, settings.Port)],
        };

        var node = await Started(ClusterNode.StartAsync(six));

        await AwaitConditionAsync(() => Task.FromResult(node.Membership.Problem is null), Patience);
    }

    [Fact]
    public async Task Without_a_cluster_the_actor_system_is_local()
    {
        var off = ClusterNode.Settings(1)[0] with { IsEnabled = false };

        var node = await Started(ClusterNode.StartAsync(off));

        Assert.Null(node.Membership.Problem);
        Assert.False(((ExtendedActorSystem)node.System).Provider is Akka.Cluster.IClusterActorRefProvider);
    }

    private static Task<ClusterNode> StartAsync(ClusterSettings settings, ConcurrentQueue<int> starts) =>
        ClusterNode.StartAsync(settings, configure: akka => akka.WithSingleton<SingletonActor>(
            "single",
            Props.Create(() => new SingletonActor(settings.Port, starts)),
            new ClusterSingletonOptions { Role = WebClusterExtensions.Role },
            createProxyToo: false));

    private sealed class SingletonActor : UntypedActor
    {
        public SingletonActor(int port, ConcurrentQueue<int> starts) => starts.Enqueue(port);

        protected override void OnReceive(object message)
        {
        }
    }
}
