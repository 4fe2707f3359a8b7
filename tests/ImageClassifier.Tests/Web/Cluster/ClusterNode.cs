using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Hosting;
using ImageClassifier.Web.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ClusterSettings = ImageClassifier.Web.Cluster.ClusterSettings;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>The actor system of a web node in a cluster on loopback, without the web tier's actors.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    // A test kills a node by ending its system at once, so the node cannot leave the cluster first.
    private const string Killable = """
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.stdout-loglevel = OFF
        akka.loggers = []
        """;

    private readonly IHost _host;
    private bool _isKilled;

    private ClusterNode(IHost host, ConcurrentQueue<string> log)
    {
        _host = host;
        Log = log;
    }

    /// <summary>The node's log, for a failed test.</summary>
    public ConcurrentQueue<string> Log { get; }

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    public ClusterMembership Membership => _host.Services.GetRequiredService<ClusterMembership>();

    public CoordinatedShutdown.Reason? ShutdownReason => CoordinatedShutdown.Get(System).ShutdownReason;

    /// <summary>The ports of the nodes that this node sees as up, in order.</summary>
    public IReadOnlyList<int> Up =>
    [
        .. Akka.Cluster.Cluster.Get(System).State.Members
            .Where(member => member.Status == MemberStatus.Up)
            .Select(member => member.Address.Port!.Value)
            .Order(),
    ];

    /// <summary>Settings of this number of nodes, which are each other's seeds, in the order of their
    /// addresses.</summary>
    public static ClusterSettings[] Settings(int count)
    {
        var ports = FreePorts(count);
        var seeds = ports.Select(port => new IPEndPoint(IPAddress.Loopback, port)).ToArray();
        return [.. ports.Select(port => new ClusterSettings(
            IsEnabled: true, IPAddress.Loopback, port, seeds, FindsNodesOnEc2: false,
            Certificate: null, CertificateKey: null))];
    }

    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners) listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).Order().ToArray();
        foreach (var listener in listeners) listener.Dispose();
        return ports;
    }

    public static async Task<ClusterNode> StartAsync(
        ClusterSettings settings,
        ClusterCertificate? certificate = null,
        WebNodeFinder? finder = null,
        string hocon = "",
        Action<AkkaConfigurationBuilder>? configure = null)
    {
        var log = new ConcurrentQueue<string>();
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(new ClusterMembership(settings.IsEnabled));
        builder.Services.AddAkka(WebClusterExtensions.SystemName, akka =>
        {
            // In a test, no machine comes up minutes later.
            akka.WithWebCluster(settings, certificate, finder, stableFor: TimeSpan.FromSeconds(1));
            akka.AddHocon($"{Killable}\n{hocon}", HoconAddMode.Prepend);
            akka.WithActors((system, _) => system.EventStream.Subscribe(
                system.ActorOf(Props.Create(() => new LogActor(log))), typeof(LogEvent)));
            configure?.Invoke(akka);
        });
        var node = new ClusterNode(builder.Build(), log);
        await node._host.StartAsync();
        return node;
    }

    public async Task KillAsync()
    {
        _isKilled = true;
        await System.Terminate();
    }

    /// <summary>Stops like SIGTERM.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        if (!_isKilled) await KillAsync();
        _host.Dispose();
    }

    private sealed class LogActor : UntypedActor
    {
        private readonly ConcurrentQueue<string> _log;

        public LogActor(ConcurrentQueue<string> log) => _log = log;

        protected override void OnReceive(object message) => _log.Enqueue($"{message}");
    }
}
