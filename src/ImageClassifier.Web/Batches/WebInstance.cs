using ImageClassifier.Core;

namespace ImageClassifier.Web.Batches;

/// <summary>Identifies the web tier as the origin of results that no app node produced.</summary>
internal static class WebInstance
{
    /// <summary>The instance id.</summary>
    public static InstanceId Id { get; } = InstanceId.Parse("web");
}
