using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Cluster;

/// <summary>Whether and how web nodes form a cluster: <c>image-classifier.web.cluster</c>.</summary>
/// <param name="Enabled">Whether this web node is one of several.</param>
public sealed record ClusterSettings(bool Enabled)
{
    /// <summary>The role of web nodes in the cluster.</summary>
    public const string Role = "web";
}
