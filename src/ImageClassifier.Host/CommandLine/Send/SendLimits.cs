using ImageClassifier.Streams;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The sizes and times of a send.</summary>
/// <param name="ChunkFiles">The most files of a request.</param>
/// <param name="ChunkBytes">The most bytes of a request with several files.</param>
/// <param name="Uploads">The requests at once.</param>
/// <param name="Batches">The batches whose results are read at once.</param>
/// <param name="Retries">The tries of a call to a service that does not answer.</param>
/// <param name="Silence">The time without a byte or an event after which a connection counts as dead.</param>
internal sealed record SendLimits(
    int ChunkFiles, long ChunkBytes, int Uploads, int Batches, RetryPolicy Retries, TimeSpan Silence)
{
    /// <summary>Requests far below the limits of the service (1,000 files, 1 GiB), so that results come early and a cut
    /// costs little. The retries last about four minutes, in which a service restarts.</summary>
    public static SendLimits Default { get; } = new(
        ChunkFiles: 100,
        ChunkBytes: 32 << 20,
        Uploads: 4,
        Batches: 8,
        new RetryPolicy(18, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(20)),
        Silence: TimeSpan.FromMinutes(1));
}
