using Akka.Actor;
using Akka.Cluster;

namespace ImageClassifier.Web.Cluster;

/// <summary>What a web node knows of the others.</summary>
public static class ClusterNeighbours
{
    /// <summary>Whether another web node works on when this one stops.</summary>
    public static bool Exist(ActorSystem system)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        return cluster.State.Members.Any(member =>
            !member.UniqueAddress.Equals(cluster.SelfUniqueAddress)
            && member.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Joining
            && !cluster.State.Unreachable.Contains(member));
    }
}
