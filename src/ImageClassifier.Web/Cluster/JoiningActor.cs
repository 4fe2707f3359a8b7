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
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(10);

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

        Receive<Look>(_ => _discovery.Lookup(new Lookup("web-nodes"), LookTimeout).PipeTo(
            Self, success: found => found, failure: cause => new LookFailed(cause)));
        Receive<ServiceDiscovery.Resolved>(OnFound);
        Receive<LookFailed>(OnLookFailed);
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
        self.Tell(Look.Instance);
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

        LookLater();
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

    private void OnLookFailed(LookFailed failed)
    {
        if (!_hasFailed)
            _log.Warning("The web nodes cannot be found. The search goes on: {Cause}", failed.Cause.Message);
        _hasFailed = true;
        LookLater();
    }

    private void LookLater() => Timers.StartSingleTimer(nameof(Look), Look.Instance, LookInterval);

    private sealed record LookFailed(Exception Cause);

    private sealed record Look
    {
        public static Look Instance { get; } = new();
    }

    private sealed record Joined
    {
        public static Joined Instance { get; } = new();
    }
}
