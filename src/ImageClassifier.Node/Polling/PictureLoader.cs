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
    JobModels models,
    InstanceId instance,
    int decoders,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log,
    CancellationToken draining)
{
    private readonly OutageRetries _retries = new(OutageRetries.Brief, time);

    // Reads wait for the store, decoders for a core. So more pictures are read at once than decoded.
    private readonly SemaphoreSlim _decoders = new(decoders);

    /// <summary>Leases the model of one job. Any other job passes through unchanged. Never fails: a failure that is not the
    /// job's fault hands the message back.</summary>
    /// <returns><see cref="JobWork.ToLoad"/> if the job has its model.</returns>
    public async Task<JobWork> LeaseModelAsync(JobWork work)
    {
        if (work is not JobWork.Fresh job) return work;
        if (job.Request is not { } request)
        {
            log.Warning("A message without a valid request was handed back; the queue will give it up");
            return new JobWork.NotDone(job.Delivery);
        }

        var outcome = await HandBackOnFailure.RunAsync(
            job.Delivery,
            request,
            async () => new JobWork.ToLoad(
                job.Delivery, request, (await models.LeaseAsync(request, job.Delivery)).Park())
            { Picture = job.Picture },
            health,
            log,
            draining);
        if (outcome is not JobWork.ToLoad) job.Picture?.Dispose();
        return outcome;
    }

    /// <summary>Fetches and decodes the picture of one job, unless the node drains. Any other job passes through
    /// unchanged. Never fails.</summary>
    public async Task<JobWork> LoadAsync(JobWork work)
    {
        if (work is not JobWork.ToLoad job) return work;
        job.Model.Resume();
        var outcome = draining.IsCancellationRequested
            ? new JobWork.NotDone(job.Delivery)
            : await HandBackOnFailure.RunAsync(job.Delivery, job.Request, () => LoadAsync(job), health, log, draining);
        job.Picture?.Dispose();
        if (outcome is JobWork.ToClassify) job.Model.Park();
        else job.Model.Dispose();
        return outcome;
    }

    private async Task<JobWork> LoadAsync(JobWork.ToLoad job)
    {
        var started = time.GetTimestamp();
        using var stored = job.Picture is null ? await objects.FetchPictureAsync(job.Request) : null;
        if ((job.Picture?.Bytes ?? stored) is not { } picture) return Fail(job, JobErrors.Missing);
        var fetched = job.Picture?.Took ?? time.GetElapsedTime(started);

        await _decoders.WaitAsync();
        try
        {
            // If the process was paused for long, the lease has ended and another node may have the message.
            return job.Delivery.HoldsLease(time.GetMonotonic())
                ? await DecodeAsync(job, picture, fetched)
                : new JobWork.NotDone(job.Delivery);
        }
        finally
        {
            _decoders.Release();
        }
    }

    private async Task<JobWork> DecodeAsync(JobWork.ToLoad job, PooledBytes picture, TimeSpan fetched)
    {
        try
        {
            var started = time.GetTimestamp();
            // Decoding takes long, and the current thread may belong to the stream. So it runs on the thread pool.
            // Short memory may be free again soon.
            var decoding = await _retries.RunAsync(
                () => Task.Run(() => job.Model.Classifier.Decode(picture.Memory)));
            return decoding switch
            {
                Decoding.Decoded decoded => new JobWork.ToClassify(
                    job.Delivery, job.Request, job.Model, decoded.Picture, fetched, time.GetElapsedTime(started)),
                Decoding.Refused refused => Fail(job, refused.Error),
                _ => throw new InvalidOperationException("Unexpected outcome of decoding."),
            };
        }
        catch
        {
            health.RecordFailure();
            throw;
        }
    }

    private JobWork.Ended Fail(JobWork.ToLoad job, JobError error) =>
        JobWork.Ended.Failed(job.Delivery, job.Request, instance, job.Model.Identity, error);
}
