using ImageClassifier.Streams;

namespace ImageClassifier.Host.Models;

/// <summary>The limits of downloads.</summary>
/// <param name="Silence">The longest time in which a server sends nothing.</param>
/// <param name="Retries">The tries of a download. A try that brought many new bytes does not count.</param>
internal sealed record DownloadLimits(TimeSpan Silence, RetryPolicy Retries)
{
    /// <summary>A minute of silence, and half a minute of tries.</summary>
    public static DownloadLimits Default { get; } = new(
        TimeSpan.FromSeconds(60), new RetryPolicy(6, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15)));
}
