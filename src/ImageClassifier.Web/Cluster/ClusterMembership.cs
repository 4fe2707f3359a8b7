namespace ImageClassifier.Web.Cluster;

/// <summary>Whether this node is a member of the cluster. A node that is not must not get uploads.</summary>
internal sealed class ClusterMembership
{
    private const string NotJoined =
        "This web node has not joined the other web nodes yet. Its log says whom it tries to reach.";

    private const string Removed = "The other web nodes removed this one, so it stops.";

    private volatile string? _problem;

    /// <param name="isClusterEnabled">Without a cluster there is nothing to join.</param>
    public ClusterMembership(bool isClusterEnabled) => _problem = isClusterEnabled ? NotJoined : null;

    /// <summary>Why the node is not ready, as a sentence for everyone; null if nothing is wrong.</summary>
    public string? Problem => _problem;

    public void MarkUp() => _problem = null;

    public void MarkRemoved() => _problem = Removed;
}
