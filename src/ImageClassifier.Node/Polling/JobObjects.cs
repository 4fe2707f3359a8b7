using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Jobs;

namespace ImageClassifier.Node.Polling;

/// <summary>Reads the objects of a job. Calls are retried during an outage of the store.</summary>
/// <exception cref="IOException">The outage lasts longer than the retries.</exception>
internal sealed class JobObjects(IObjectStore store, OutageRetries outages, ILoggingAdapter log)
{
    /// <summary>The stored result that answers the request; null if there is none. A failure of an earlier attempt does
    /// not count, because the request asks to try again.</summary>
    public async Task<JobResult?> FindResultAsync(ClassificationRequest request)
    {
        var stored = await FindStoredAsync(request);
        return stored is { Status: JobStatus.Failed } && stored.Attempt < request.Attempt ? null : stored;
    }

    /// <summary>The bytes of a picture without a reference; null if the store does not have it any more.</summary>
    public Task<PooledBytes?> FetchPictureAsync(ClassificationRequest request) =>
        outages.RunAsync(() => FetchAsync(request.ImageKey!));

    private async Task<JobResult?> FindStoredAsync(ClassificationRequest request)
    {
        var key = ObjectKeys.Result(request.Batch, request.Job);
        var read = await outages.RunAsync(() => store.ReadDocumentAsync<JobResult>(key, CancellationToken.None));
        if (read is DocumentRead<JobResult>.Damaged damaged)
            log.Error("The stored result {0} is damaged, so the job is done again: {1}", damaged.Key, damaged.Why);
        return read.OrNull;
    }

    private async Task<PooledBytes?> FetchAsync(string key)
    {
        var stored = await store.GetAsync(key, CancellationToken.None);
        if (stored is null) return null;
        await using (stored)
        {
            var bytes = new PooledBytes(checked((int)stored.Size));
            try
            {
                await stored.Content.ReadExactlyAsync(bytes.Writable);
                return bytes;
            }
            catch
            {
                bytes.Dispose();
                throw;
            }
        }
    }
}
