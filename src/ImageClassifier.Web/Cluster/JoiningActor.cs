using Akka.Actor;
using Akka.Discovery;
using Akka.Event;

namespace ImageClassifier.Web.Cluster;

/// <summary>Joins the web nodes that the discovery finds. Only the first of them may form a new cluster, and only if
/// no other answers. The actor stops when this node is a member.</summary>
/// <remarks>Nodes that start together may see different lists at first. So each waits until its list stays the same,
/// and joins anew whenever it changes.</remarks>
internal sealed class JoiningActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan DiscoveryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DiscoveryTimeout = TimeSpan.FromSeconds(10);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ServiceDiscovery _discovery = Discovery.Get(Context.System).Default;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly int _port;
    private readonly TimeSpan _stableFor;
    private IReadOnlyList<Address> _found = [];
    private IReadOnlyList<Address> _joining = [];
    private DateTimeOffset _foundSince;
    private bool _hasFailed;

    /// <summary>Creates the actor.</summary>
    /// <param name="port">The port of remoting, the same on all nodes.</param>
    /// <param name="stableFor">How long the list of nodes must stay the same.</param>
    public JoiningActor(int port, TimeSpan stableFor)
    {
        _port = port;
        _stableFor = stableFor;

        Receive<Discover>(_ => _discovery.Lookup(new Lookup("web-nodes"), DiscoveryTimeout).PipeTo(
            Self, success: found => found, failure: cause => new DiscoveryFailed(cause)));
        Receive<ServiceDiscovery.Resolved>(OnFound);
        Receive<DiscoveryFailed>(OnDiscoveryFailed);
        Receive<Joined>(_ => Context.Stop(Self));
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <inheritdoc />
    protected override void PreStart()
    {
        var self = Self;
        _cluster.RegisterOnMemberUp(() => self.Tell(Joined.Instance));
        self.Tell(Discover.Instance);
    }

    private void OnFound(ServiceDiscovery.Resolved resolved)
    {
        _hasFailed = false;
        var found = resolved.Addresses
            .Select(target => _cluster.SelfAddress.WithHost(target.Host).WithPort(_port)).ToArray();
        if (!found.SequenceEqual(_found)) (_found, _foundSince) = (found, Now);
        // EC2 may not show this node yet. Then the others cannot find it either.
        if (found.Contains(_cluster.SelfAddress) && Now - _foundSince >= _stableFor && !found.SequenceEqual(_joining))
        {
            _joining = found;
            _log.Info("Joining the web nodes {Nodes}", string.Join(", ", found.Select(node => node.Host)));
            _cluster.JoinSeedNodes(found);
        }

        DiscoverLater();
    }

    private void OnDiscoveryFailed(DiscoveryFailed failed)
    {
        if (!_hasFailed)
            _log.Warning("The web nodes cannot be found. The search goes on: {Cause}", failed.Cause.Message);
        _hasFailed = true;
        DiscoverLater();
    }

    private void DiscoverLater() => Timers.StartSingleTimer(nameof(Discover), Discover.Instance, DiscoveryInterval);

    private sealed record DiscoveryFailed(Exception Cause);

    private sealed record Discover
    {
        public static Discover Instance { get; } = new();
    }

    private sealed record Joined
    {
        public static Joined Instance { get; } = new();
    }
}
