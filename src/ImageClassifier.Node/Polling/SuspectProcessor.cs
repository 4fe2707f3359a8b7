using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>
/// Produces the results of suspects. A suspect with a stored result is done. Any other suspect is tried in a process of
/// its own, so the verdict is certain: only a picture that kills its own process fails for it, however many nodes died
/// around it.
/// </summary>
internal sealed class SuspectProcessor(
    JobObjects objects,
    JobModels models,
    StoppedBatches stopped,
    InstanceId instance,
    int maxReceives,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log,
    CancellationToken draining)
{
    // A suspect that takes longer does not draw later jobs into this branch.
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(2);

    private readonly OutageRetries _retries = new(OutageRetries.Brief, time);
    private readonly SuspectLock _turns = new(time);
    private int _inHand;
    private long _lastProgressAt;

    /// <summary>Decides whether a job takes this branch, and counts it if so. While suspects make progress, fresh jobs
    /// take it too. The picture after a deadly one may be as deadly: it would kill this node and return all its
    /// messages once more.</summary>
    public bool TryAdmit(JobArrival arrival)
    {
        var isAdmitted = arrival.IsSuspect || (arrival.Request is not null && IsMakingProgress);
        if (isAdmitted && Interlocked.Increment(ref _inHand) == 1) RecordProgress();
        return isAdmitted;
    }

    /// <summary>Looks for a stored result. Never fails.</summary>
    /// <returns><see cref="JobWork.Suspect"/> if the store has no result.</returns>
    public Task<JobWork> LookUpAsync(JobArrival arrival)
    {
        var (delivery, request) = (arrival.Delivery, arrival.Request!);
        return HandBackOnFailure.RunAsync(
            delivery,
            request,
            async () => await objects.FindResultAsync(request) is { } stored
                ? JobWork.Ended.Stored(delivery, request, stored)
                : new JobWork.Suspect(delivery, request),
            health,
            log,
            draining);
    }

    /// <summary>Leases the model of a suspect. A load takes long, so the suspect has no turn meanwhile. Any other job
    /// passes through unchanged. Never fails.</summary>
    public async Task<JobWork> LeaseModelAsync(JobWork work)
    {
        if (work is not JobWork.Suspect suspect) return work;
        var outcome = await HandBackOnFailure.RunAsync(
            suspect.Delivery,
            suspect.Request,
            () => LeaseAsync(suspect),
            health,
            log,
            draining);
        if (outcome is not JobWork.ToTry) suspect.Picture?.Dispose();
        return outcome;
    }

    private async Task<JobWork> LeaseAsync(JobWork.Suspect suspect)
    {
        try
        {
            var lease = await models.LeaseAsync(suspect.Request, suspect.Delivery);
            return new JobWork.ToTry(suspect.Delivery, suspect.Request, lease.Park()) { Picture = suspect.Picture };
        }
        catch (ModelNotLoadedException failure) when (suspect.Delivery.Message.ReceiveCount > maxReceives)
        {
            // Otherwise the job would end one node after the other.
            health.RecordRefusal(failure.Message);
            return GiveUp(suspect.Delivery, suspect.Request, model: null, failure.Message);
        }
    }

    /// <summary>Tries a suspect when its turn comes. Any other job passes through unchanged. Never fails.</summary>
    public async Task<JobWork> TryAsync(JobWork work)
    {
        try
        {
            return work is JobWork.ToTry suspect ? await TryAsync(suspect) : work;
        }
        finally
        {
            Interlocked.Decrement(ref _inHand);
        }
    }

    private bool IsMakingProgress => Volatile.Read(ref _inHand) > 0
        && time.GetMonotonic() - TimeSpan.FromTicks(Volatile.Read(ref _lastProgressAt)) < StallLimit;

    private void RecordProgress() => Volatile.Write(ref _lastProgressAt, time.GetMonotonic().Ticks);

    private async Task<JobWork> TryAsync(JobWork.ToTry suspect)
    {
        using var model = suspect.Model.Resume();
        using var fetched = suspect.Picture;
        await _turns.EnterAsync(suspect.Delivery.Message.ReceiveCount);
        var tried = await TryInTurnAsync(suspect, isAlone: false);
        if (tried is not JobWork.ToTry) return tried;
        await _turns.EnterAgainAsync();
        return await TryInTurnAsync(suspect, isAlone: true);
    }

    private async Task<JobWork> TryInTurnAsync(JobWork.ToTry suspect, bool isAlone)
    {
        RecordProgress();
        try
        {
            var isOurs = !draining.IsCancellationRequested && suspect.Delivery.HoldsLease(time.GetMonotonic());
            return isOurs
                ? await HandBackOnFailure.RunAsync(
                    suspect.Delivery, suspect.Request, () => TryNowAsync(suspect, isAlone), health, log, draining)
                : new JobWork.NotDone(suspect.Delivery);
        }
        finally
        {
            _turns.Leave();
        }
    }

    /// <summary>Tries a suspect. A crash of a process that had no other picture is proof.</summary>
    /// <remarks>A crash after other pictures is no proof yet, because they may have damaged the process. A time-out is
    /// none, because a slow machine may cause it. Then a second process, which gets only this picture, decides. A kill
    /// from outside never is proof: a person or the system's out-of-memory killer can do it any number of
    /// times.</remarks>
    /// <returns>The suspect itself if it must be tried alone.</returns>
    private async Task<JobWork> TryNowAsync(JobWork.ToTry suspect, bool isAlone)
    {
        // A suspect waits for its turn for long, so a look at an earlier step would be out of date.
        if (await stopped.FindAsync(suspect.Request, suspect.Delivery) is { } stop)
            return JobWork.Ended.Failed(suspect.Delivery, suspect.Request, instance, model: null, stop);
        var started = time.GetTimestamp();
        using var stored = suspect.Picture is null ? await objects.FetchPictureAsync(suspect.Request) : null;
        if ((suspect.Picture?.Bytes ?? stored) is not { } picture) return Fail(suspect, JobErrors.Missing);
        var fetched = suspect.Picture?.Took ?? time.GetElapsedTime(started);
        switch (await _retries.RunAsync(() => suspect.Model.Isolated.ClassifyAsync(picture.Memory, isAlone)))
        {
            case IsolatedOutcome.Classified classified:
                health.RecordClassified();
                return Succeed(suspect, classified, fetched);
            case IsolatedOutcome.Refused refused:
                return Fail(suspect, refused.Error);
            case IsolatedOutcome.Died died when !isAlone && !IsProof(died):
                log.Warning(
                    "Job {0} is tried once more: its process ended ({1}). {2}",
                    suspect.Request.Job, died.How, died.Details);
                return suspect;
            case IsolatedOutcome.Died or IsolatedOutcome.Failed when suspect.Model.TryReplace("a run in a process of its own failed."):
                return HandBackOrGiveUp(suspect, $"model {suspect.Model.Identity.Name} failed, with which its batch began");
            case IsolatedOutcome.Died { How: ProcessDeath.Killed } killed:
                return HandBackOrGiveUp(suspect, $"its process was killed twice. {killed.Details}");
            case IsolatedOutcome.Died died:
                log.Warning(
                    "Job {0} failed: its picture ended its process ({1}). {2}",
                    suspect.Request.Job, died.How, died.Details);
                return Fail(suspect, died.How == ProcessDeath.TimedOut ? JobErrors.TooSlow : JobErrors.KilledDecoder);
            case IsolatedOutcome.Failed failed:
                health.RecordFailure();
                return HandBackOrGiveUp(suspect, failed.Reason);
            case var other:
                throw new InvalidOperationException($"Unexpected outcome: {other}.");
        }
    }

    private static bool IsProof(IsolatedOutcome.Died died) => died is { How: ProcessDeath.Crashed, HadOthers: false };

    private JobWork HandBackOrGiveUp(JobWork.ToTry suspect, string reason)
    {
        var (job, receives) = (suspect.Request.Job, suspect.Delivery.Message.ReceiveCount);
        if (receives <= maxReceives)
        {
            log.Warning("Job {0} was handed back: {1}", job, reason);
            return new JobWork.NotDone(suspect.Delivery);
        }

        return GiveUp(suspect.Delivery, suspect.Request, suspect.Model.Identity, reason);
    }

    private JobWork.Ended GiveUp(Delivery delivery, ClassificationRequest request, ModelIdentity? model, string reason)
    {
        log.Warning("Job {0} failed after {1} receives; the last failure: {2}",
            request.Job, delivery.Message.ReceiveCount, reason);
        return JobWork.Ended.Failed(delivery, request, instance, model, JobErrors.TooManyAttempts) with
        {
            Settlement = Settlement.HandBack,
        };
    }

    private JobWork.Ended Succeed(JobWork.ToTry suspect, IsolatedOutcome.Classified outcome, TimeSpan fetched)
    {
        var timings = new JobTimings(
            fetched.TotalMilliseconds,
            outcome.Decoded.TotalMilliseconds,
            outcome.Ran.TotalMilliseconds,
            (time.GetMonotonic() - suspect.Delivery.ReceivedAt).TotalMilliseconds);
        return JobWork.Ended.Classified(
            suspect.Delivery, suspect.Request, instance, suspect.Model.Identity, outcome.Predictions, timings);
    }

    private JobWork.Ended Fail(JobWork.ToTry suspect, JobError error) =>
        JobWork.Ended.Failed(suspect.Delivery, suspect.Request, instance, suspect.Model.Identity, error);
}
