using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Turns a message that is received for the first time into a decoded picture, or into the outcome of its
/// job.</summary>
internal sealed class PictureLoader(
    JobObjects objects,
    IImageClassifier classifier,
    InstanceId instance,
    int decoders,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log)
{
    private readonly OutageRetries _retries = new(OutageRetries.Brief, time);

    // Reads wait for the store, decoders for a core. So more pictures are read at once than decoded.
    private readonly SemaphoreSlim _decoders = new(decoders);

    /// <summary>Fetches and decodes the picture of one job. Never fails: a failure that is not the job's fault hands
    /// the message back.</summary>
    public Task<JobWork> LoadAsync(JobArrival arrival)
    {
        var delivery = arrival.Delivery;
        if (arrival.Request is { } request)
            return HandBackOnFailure.RunAsync(delivery, request, () => LoadAsync(delivery, request), health, log);

        log.Warning("A message without a valid request was handed back; the queue will give it up");
        return Task.FromResult<JobWork>(new JobWork.NotDone(delivery));
    }

    private async Task<JobWork> LoadAsync(Delivery delivery, ClassificationRequest request)
    {
        var started = time.GetTimestamp();
        using var picture = await objects.FetchPictureAsync(request);
        if (picture is null) return JobWork.Ended.Failed(delivery, request, instance, JobErrors.Missing);
        var fetched = time.GetElapsedTime(started);

        await _decoders.WaitAsync();
        try
        {
            // If the process was paused for long, the lease has ended and another node may have the message.
            return delivery.HoldsLease(time.GetMonotonic())
                ? await DecodeAsync(delivery, request, picture, fetched)
                : new JobWork.NotDone(delivery);
        }
        finally
        {
            _decoders.Release();
        }
    }

    private async Task<JobWork> DecodeAsync(
        Delivery delivery, ClassificationRequest request, PooledBytes picture, TimeSpan fetched)
    {
        try
        {
            var started = time.GetTimestamp();
            // Decoding takes long, and the current thread may belong to the stream. So it runs on the thread pool.
            // Short memory may be free again soon.
            var decoding = await _retries.RunAsync(() => Task.Run(() => classifier.Decode(picture.Memory)));
            return decoding switch
            {
                Decoding.Decoded decoded => new JobWork.ToClassify(
                    delivery, request, decoded.Picture, fetched, time.GetElapsedTime(started)),
                Decoding.Refused refused => JobWork.Ended.Failed(delivery, request, instance, refused.Error),
                _ => throw new InvalidOperationException("Unexpected outcome of decoding."),
            };
        }
        catch
        {
            health.RecordFailure();
            throw;
        }
    }
}
