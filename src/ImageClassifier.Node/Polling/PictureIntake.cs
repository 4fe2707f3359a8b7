using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>From a message that is received for the first time to a decoded picture, or to what became of the job
/// otherwise.</summary>
internal sealed class PictureIntake(
    JobObjects objects,
    IImageClassifier classifier,
    InstanceId instance,
    int decoders,
    Fitness fitness,
    TimeProvider time,
    ILoggingAdapter log)
{
    // Reading waits for the store, decoding for a core: more may read than decode.
    private readonly SemaphoreSlim _decoders = new(decoders);

    /// <summary>Takes one message in. It never fails: what goes wrong for no fault of the job hands the message
    /// back.</summary>
    public Task<JobWork> TakeAsync(JobArrival arrival)
    {
        var delivery = arrival.Delivery;
        if (arrival.Request is { } request)
            return HandingBack.OnFailureAsync(delivery, request, () => TakeAsync(delivery, request), fitness, log);

        log.Warning("A message that is no request was handed back, for the queue to give up on");
        return Task.FromResult<JobWork>(new JobWork.NotDone(delivery));
    }

    private async Task<JobWork> TakeAsync(Delivery delivery, ClassificationRequest request)
    {
        var started = time.GetTimestamp();
        using var picture = await objects.FetchPictureAsync(request);
        if (picture is null) return JobWork.Ended.Failed(delivery, request, instance, JobErrors.Missing);
        var fetched = time.GetElapsedTime(started);

        await _decoders.WaitAsync();
        try
        {
            // After a long pause of the process others have the message.
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
            // On a thread of the pool, for it is long work, and this one may be the stream's. Where memory is short it
            // may be there again in a while.
            var decoding = await OutageRetries.RunAsync(
                () => Task.Run(() => classifier.Decode(picture.Memory)), OutageRetries.Brief, time);
            return decoding switch
            {
                Decoding.Decoded decoded => new JobWork.ToClassify(
                    delivery, request, decoded.Picture, fetched, time.GetElapsedTime(started)),
                Decoding.Refused refused => JobWork.Ended.Failed(delivery, request, instance, refused.Error),
                _ => throw new InvalidOperationException("Decoding has two outcomes."),
            };
        }
        catch
        {
            fitness.Failed();
            throw;
        }
    }
}
