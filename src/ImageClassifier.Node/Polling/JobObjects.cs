using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>What the store has of a job. Calls wait through an outage of the store.</summary>
/// <exception cref="IOException">The outage lasts too long.</exception>
internal sealed class JobObjects(
    IObjectStore store, RetryPolicy outages, Fitness fitness, TimeProvider time, ILoggingAdapter log)
{
    /// <summary>The stored result that ends the request; null where there is none. The failure of an earlier attempt is
    /// none: someone has asked to try again.</summary>
    public async Task<JobResult?> FindResultAsync(ClassificationRequest request)
    {
        var stored = await FindStoredAsync(request);
        return stored is { Status: JobStatus.Failed } && stored.Attempt < request.Attempt ? null : stored;
    }

    /// <summary>The picture's file; null where it is gone.</summary>
    public Task<PooledBytes?> FetchPictureAsync(ClassificationRequest request) =>
        OutageRetries.RunAsync(() => FetchAsync(request.ImageKey), outages, time, fitness);

    private async Task<JobResult?> FindStoredAsync(ClassificationRequest request)
    {
        var key = ObjectKeys.Result(request.Batch, request.Job);
        var read = await OutageRetries.RunAsync(
            () => store.ReadDocumentAsync<JobResult>(key, CancellationToken.None), outages, time, fitness);
        if (read is DocumentRead<JobResult>.Damaged damaged)
            log.Error("The stored result {0} is damaged, and the job is done again: {1}", damaged.Key, damaged.Why);
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
