using Akka.Actor;
using Akka.Cluster;

namespace ImageClassifier.Web.Cluster;

/// <summary>Notes that another web node has left, so that questions to its batches are asked again.</summary>
internal sealed class LostNodesActor : ReceiveActor, IWithTimers
{
    // Until then, the parents of the batches know it too, and keep what is asked until the batches live elsewhere.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(500);

    /// <param name="membership">Receives the note.</param>
    public LostNodesActor(ClusterMembership membership)
    {
        Receive<ClusterEvent.MemberRemoved>(_ => Timers.StartSingleTimer(nameof(Settled), Settled.Instance, Settle));
        Receive<Settled>(_ => membership.RecordLoss());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => Akka.Cluster.Cluster.Get(Context.System).Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));

    /// <inheritdoc />
    protected override void PostStop() => Akka.Cluster.Cluster.Get(Context.System).Unsubscribe(Self);

    private sealed record Settled
    {
        public static Settled Instance { get; } = new();
    }
}
