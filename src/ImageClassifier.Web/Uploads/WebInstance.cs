using ImageClassifier.Core;

namespace ImageClassifier.Web.Uploads;

/// <summary>Stands for the web tier in results that no app node gave.</summary>
internal static class WebInstance
{
    /// <summary>The id.</summary>
    public static InstanceId Id { get; } = InstanceId.Parse("web");
}
