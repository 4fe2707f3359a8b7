using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Publishes results in a fixed order: the result is stored, then sent to the response queue. Only then is its
/// message acknowledged.</summary>
internal sealed class ResultPublisher(
    IObjectStore store,
    IMessageQueue responses,
    OutageRetries outages,
    QueueRetries sends,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log)
{
    /// <summary>Stores a result. If the store has a result that this one does not supersede, the job takes the stored
    /// result. Never fails.</summary>
    public async Task<JobWork> StoreAsync(JobWork work)
    {
        if (work is not JobWork.Ended { IsStored: false } ended) return work;
        if (ended.Result.Status == JobStatus.Failed && !work.Delivery.HoldsLease(time.GetMonotonic()))
        {
            // Another node may have the message, and may classify the picture that failed in this paused process.
            log.Info("The failure of job {0} was not stored, because its lease was lost", ended.Request.Job);
            return new JobWork.NotDone(work.Delivery);
        }

        try
        {
            return await outages.RunAsync(() => StoreAsync(ended));
        }
        catch (Exception failure)
        {
            if (failure is IPermanentRefusal) health.RecordRefusal(failure.Message);
            log.Error(failure, "The result of job {0} could not be stored; the job was handed back", ended.Request.Job);
            return new JobWork.NotDone(work.Delivery);
        }
    }

    /// <summary>Sends the results of at most ten jobs, together where possible. Never fails.</summary>
    /// <returns>How each message is settled. A message whose result could not be sent is handed back; the next receive
    /// sends the stored result.</returns>
    public async Task<IReadOnlyList<Acknowledgement>> PublishAsync(IReadOnlyList<JobWork> batch)
    {
        var ended = batch.OfType<JobWork.Ended>().ToArray();
        var handedBack = batch.Where(work => work is not JobWork.Ended)
            .Select(work => new Acknowledgement(work.Delivery, Settlement.HandBack));
        if (ended.Length == 0) return [.. handedBack];

        // Sending is retried during an outage of the response queue. Handing finished jobs back would only use up
        // receives. A message that is sent twice, because an answer was lost, is dropped by its deduplication id.
        var packs = ResultPack.Pack(ended);
        var outcomes = await sends.RunAsync(
            [.. packs.Select(pack => pack.Message)], responses.SendAsync, CancellationToken.None);
        return
        [
            .. handedBack,
            .. packs.Zip(outcomes, (pack, outcome) => pack.Jobs.Select(job => Conclude(job, outcome)))
                .SelectMany(concluded => concluded),
        ];
    }

    private async Task<JobWork> StoreAsync(JobWork.Ended ended)
    {
        var key = ObjectKeys.Result(ended.Request.Batch, ended.Request.Job);
        var isOurs = await store.PutIfAbsentAsync(
            key, WireJson.WriteUtf8(ended.Result), CancellationToken.None);
        if (isOurs) return ended with { IsStored = true };

        var read = await store.ReadDocumentAsync<JobResult>(key, CancellationToken.None);
        // A damaged result is replaced. So is the failure of an earlier attempt, which a late duplicate may have stored
        // after this attempt was requested.
        if (read.OrNull is not { } stored || ended.Result.Supersedes(stored))
        {
            if (read is DocumentRead<JobResult>.Damaged damaged)
                log.Error("The stored result {0} is damaged, so it is replaced: {1}", damaged.Key, damaged.Why);
            await store.PutAsync(key, WireJson.WriteUtf8(ended.Result), CancellationToken.None);
            return ended with { IsStored = true };
        }

        // Another node stored its result first.
        return JobWork.Ended.Stored(ended.Delivery, ended.Request, stored);
    }

    private Acknowledgement Conclude(JobWork.Ended ended, QueueOutcome outcome)
    {
        if (outcome.Succeeded) return new Acknowledgement(ended.Delivery, ended.Settlement);
        if (outcome is { Kind: QueueOutcomeKind.Refused, Reason: { } refusal }) health.RecordRefusal(refusal);
        log.Error("The result of job {0} could not be sent; the job was handed back: {1}",
            ended.Request.Job, outcome.Reason);
        return new Acknowledgement(ended.Delivery, Settlement.HandBack);
    }
}
