using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>From a result to the acknowledgement of its message: first into the store, then into the response queue,
/// and only then is the message done.</summary>
internal sealed class ResultPublisher(
    IObjectStore store,
    IMessageQueue responses,
    RetryPolicy outages,
    Fitness fitness,
    TimeProvider time,
    ILoggingAdapter log)
{
    /// <summary>Stores a result unless there is one that it does not supersede; then the stored one takes its place. It never
    /// fails.</summary>
    public async Task<JobWork> StoreAsync(JobWork work)
    {
        if (work is not JobWork.Ended { IsStored: false } ended) return work;
        if (ended.Result.Status == JobStatus.Failed && !work.Delivery.HoldsLease(time.GetMonotonic()))
        {
            // The message is with others, who may well classify what failed here in a process that was paused.
            log.Info("The failure of job {0} is not stored, for its lease was lost", ended.Request.Job);
            return new JobWork.NotDone(work.Delivery);
        }

        try
        {
            return await OutageRetries.RunAsync(() => StoreAsync(ended), outages, time, fitness);
        }
        catch (Exception failure)
        {
            if (failure is IPermanentRefusal) fitness.Refused(failure.Message);
            log.Error(failure, "The result of job {0} could not be stored; the job was handed back", ended.Request.Job);
            return new JobWork.NotDone(work.Delivery);
        }
    }

    /// <summary>Sends the results of up to ten jobs. It never fails.</summary>
    /// <returns>What is to become of each message: what could not be sent is handed back, and is sent from the store
    /// next time.</returns>
    public async Task<IReadOnlyList<Acknowledgement>> PublishAsync(IReadOnlyList<JobWork> batch)
    {
        var ended = batch.OfType<JobWork.Ended>().ToArray();
        var handedBack = batch.Where(work => work is not JobWork.Ended)
            .Select(work => new Acknowledgement(work.Delivery, Settlement.HandBack));
        if (ended.Length == 0) return [.. handedBack];

        // Handed back, a job whose work is done would only spend its receives while the queue of results is away.
        var outcomes = await QueueSends.SendAllAsync(
            responses, [.. ended.Select(ToMessage)], outages, time, CancellationToken.None);
        return [.. handedBack, .. ended.Zip(outcomes, Conclude)];
    }

    private async Task<JobWork> StoreAsync(JobWork.Ended ended)
    {
        var key = ObjectKeys.Result(ended.Request.Batch, ended.Request.Job);
        var isOurs = await store.PutIfAbsentAsync(
            key, WireJson.WriteUtf8(ended.Result), CancellationToken.None);
        if (isOurs) return ended with { IsStored = true };

        var read = await store.ReadDocumentAsync<JobResult>(key, CancellationToken.None);
        // A damaged result helps no one. And a late duplicate of an attempt that failed may have been stored once more
        // after this one was asked for.
        if (read.OrNull is not { } stored || ended.Result.Supersedes(stored))
        {
            if (read is DocumentRead<JobResult>.Damaged damaged)
                log.Error("The stored result {0} is damaged, and is replaced: {1}", damaged.Key, damaged.Why);
            await store.PutAsync(key, WireJson.WriteUtf8(ended.Result), CancellationToken.None);
            return ended with { IsStored = true };
        }

        // Someone else was first.
        return JobWork.Ended.Stored(ended.Delivery, ended.Request, stored);
    }

    private static OutgoingMessage ToMessage(JobWork.Ended ended) => new(
        WireJson.Write(ended.Result),
        ended.Request.Job.Value,
        ClassificationRequest.DeduplicationId(ended.Request.Job, ended.Request.Attempt));

    private Acknowledgement Conclude(JobWork.Ended ended, QueueOutcome outcome)
    {
        if (outcome.Succeeded) return new Acknowledgement(ended.Delivery, ended.Settlement);
        if (outcome is { Kind: QueueOutcomeKind.Refused, Reason: { } refusal }) fitness.Refused(refusal);
        log.Error("The result of job {0} could not be sent; the job was handed back: {1}",
            ended.Request.Job, outcome.Reason);
        return new Acknowledgement(ended.Delivery, Settlement.HandBack);
    }
}
