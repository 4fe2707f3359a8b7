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
    private IReadOnlyList<Address>? _found;

    /// <summary>The nodes that this one last tried to join, or that it last reported as a list without itself.</summary>
    private IReadOnlyList<Address>? _settled;
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
        if (!AreEqual(found, _found)) (_found, _foundSince) = (found, Now);
        if (Now - _foundSince >= _stableFor && !AreEqual(found, _settled))
        {
            _settled = found;
            JoinIfAmong(found);
        }

        DiscoverLater();
    }

    private void JoinIfAmong(Address[] found)
    {
        var nodes = string.Join(", ", found.Select(node => node.Host));
        if (found.Contains(_cluster.SelfAddress))
        {
            _log.Info("Joining the web nodes {Nodes}", nodes);
            _cluster.JoinSeedNodes(found);
            return;
        }

        // EC2 may not show this node yet. Then the others cannot find it either.
        _log.Warning(
            "This web node, {Address}, is not among the web nodes that were found: {Nodes}. The search goes on. If it "
            + "stays so, this instance lacks the tag image-classifier:web, or web.cluster.host is not its address",
            _cluster.SelfAddress.Host, found.Length == 0 ? "none" : nodes);
    }

    private static bool AreEqual(IReadOnlyList<Address> one, IReadOnlyList<Address>? other) =>
        other is not null && one.SequenceEqual(other);

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
