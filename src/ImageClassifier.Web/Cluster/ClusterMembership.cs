namespace ImageClassifier.Web.Cluster;

/// <summary>Whether this node is a member of the cluster, and when another one is no longer. A node that is not must not get
/// uploads.</summary>
internal sealed class ClusterMembership
{
    private const string NotJoined =
        "This web node has not joined the other web nodes yet. Its log says whom it tries to reach.";

    private const string Removed = "The other web nodes removed this one, so it stops.";

    private volatile string? _problem;
    private CancellationTokenSource _loss = new();

    /// <param name="isClusterEnabled">Without a cluster there is nothing to join.</param>
    public ClusterMembership(bool isClusterEnabled) => _problem = isClusterEnabled ? NotJoined : null;

    /// <summary>Why the node is not ready, as a sentence for everyone; null if nothing is wrong.</summary>
    public string? Problem => _problem;

    /// <summary>Cancelled when the next web node has left. What it was asked has no answer then.</summary>
    public CancellationToken NextLoss => Volatile.Read(ref _loss).Token;

    public void RecordLoss() => Interlocked.Exchange(ref _loss, new CancellationTokenSource()).Cancel();

    public void MarkUp() => _problem = null;

    public void MarkRemoved() => _problem = Removed;
}
