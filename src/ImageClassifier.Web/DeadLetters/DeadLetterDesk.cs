using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>Where a person deals with what a queue gave up on: looks it through, sends it again, or throws it away.</summary>
public abstract class DeadLetterDesk
{
    // A letter is dealt with in well under a second; those of one taking are dealt with one after the other.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);
    private const int TakenAtOnce = 100;

    private readonly DeadLetterQueue _dead;

    private protected DeadLetterDesk(IMessageQueue deadLetters) => _dead = new DeadLetterQueue(deadLetters);

    /// <summary>Looks the letters through, and leaves them where they are.</summary>
    /// <param name="max">How many at most.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    /// <exception cref="IOException">The store could not be reached.</exception>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(int max, CancellationToken cancellation)
    {
        var taken = await _dead.TakeAsync(max, Lease, cancellation);
        try
        {
            var letters = new List<DeadLetter>();
            foreach (var message in taken) letters.Add(await DescribeAsync(message, cancellation));
            return letters;
        }
        finally
        {
            await _dead.HandBackAsync(taken, CancellationToken.None);
        }
    }

    /// <summary>Sends jobs again, each as its next attempt, and removes their letters.</summary>
    /// <param name="jobs">Which; null for all.</param>
    /// <param name="told">Told what became of each letter, and in the end of each job that none was found of.</param>
    /// <param name="cancellation">Stops after the letter that is in hand.</param>
    /// <exception cref="QueueUnavailableException">A queue could not be reached. What was done is done, and doing it again
    /// is safe.</exception>
    /// <exception cref="IOException">The store could not be reached; the same holds.</exception>
    public Task RedriveAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> told, CancellationToken cancellation) =>
        DealAsync(jobs, RedriveAsync, told, cancellation);

    /// <summary>Removes letters. A job that has no result is not lost by it: the web tier sends it again in time.</summary>
    /// <param name="jobs">Whose; null for all.</param>
    /// <param name="told">Told what became of each letter, and in the end of each job that none was found of.</param>
    /// <param name="cancellation">Stops after the letter that is in hand.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    public Task PurgeAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> told, CancellationToken cancellation) =>
        DealAsync(jobs, (message, _) => Task.FromResult(Outcome(message, LetterFate.Purged)), told, cancellation);

    private protected abstract Task<DeadLetter> DescribeAsync(ReceivedMessage message, CancellationToken cancellation);

    /// <summary>Sends again what a letter is about.</summary>
    /// <returns>What becomes of the letter: it is removed unless it is <see cref="LetterFate.Kept"/>.</returns>
    private protected abstract Task<LetterOutcome> RedriveAsync(
        ReceivedMessage message, CancellationToken cancellation);

    /// <summary>The job and batch of a letter; null where it is none that can be read.</summary>
    private protected abstract (JobId Job, BatchId Batch)? Subject(ReceivedMessage message);

    private protected LetterOutcome Outcome(ReceivedMessage message, LetterFate fate, string? reason = null)
    {
        var subject = Subject(message);
        return new LetterOutcome(subject?.Job, subject?.Batch, fate, Attempt: null, reason);
    }

    /// <summary>A letter whose job was sent again may come once more, which does no harm; of the others it must be told
    /// that they stay.</summary>
    private async Task<LetterOutcome> RemoveAsync(ReceivedMessage message, LetterOutcome outcome)
    {
        var removal = await _dead.DeleteAsync(message, CancellationToken.None);
        return removal.Succeeded || outcome.Fate == LetterFate.Redriven
            ? outcome
            : Outcome(message, LetterFate.Kept, $"The letter could not be removed. {removal.Reason}".TrimEnd());
    }

    private async Task DealAsync(
        IReadOnlyCollection<JobId>? jobs,
        Func<ReceivedMessage, CancellationToken, Task<LetterOutcome>> deal,
        Action<LetterOutcome> told,
        CancellationToken cancellation)
    {
        var found = new HashSet<JobId>();
        var inHand = new List<ReceivedMessage>();
        // What stays is held until the end, so that each letter comes once. If that takes longer than the lease, they come
        // round again, and then all have had their turn.
        var staying = new HashSet<string>();
        try
        {
            while (await TakeNextAsync(staying, inHand, cancellation) is { Count: > 0 } taken)
            {
                foreach (var message in taken)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var isMeant = jobs is null || (Subject(message) is { Job: var job } && jobs.Contains(job));
                    var outcome = isMeant ? await deal(message, cancellation) : null;
                    if (outcome is { Fate: not LetterFate.Kept }) outcome = await RemoveAsync(message, outcome);
                    if (outcome is not null) told(outcome);
                    if (outcome?.JobId is { } known) found.Add(known);
                    if (outcome is null or { Fate: LetterFate.Kept })
                    {
                        staying.Add(message.Body);
                        continue;
                    }

                    inHand.Remove(message);
                }
            }
        }
        finally
        {
            await _dead.HandBackAsync(inHand, CancellationToken.None);
        }

        foreach (var job in (jobs ?? []).Where(job => !found.Contains(job)))
        {
            told(new LetterOutcome(
                job, null, LetterFate.NotFound, null, "The dead-letter queue has no letter of this job."));
        }
    }

    private async Task<IReadOnlyList<ReceivedMessage>> TakeNextAsync(
        HashSet<string> staying, List<ReceivedMessage> inHand, CancellationToken cancellation)
    {
        var taken = await _dead.TakeAsync(TakenAtOnce, Lease, cancellation);
        inHand.AddRange(taken);
        return [.. taken.Where(message => !staying.Contains(message.Body))];
    }
}

/// <summary>What a queue gave up on.</summary>
/// <param name="JobId">Its job; null where the letter cannot be read.</param>
/// <param name="BatchId">Its batch.</param>
/// <param name="Attempt">The attempt that it asked for, or answers.</param>
/// <param name="ReceiveCount">How often it was received, each looking through included.</param>
/// <param name="SubmittedAt">When the picture was accepted; null where the letter does not say.</param>
/// <param name="Status">Where the job stands by the store: <see cref="JobStatus.Queued"/> where it has no result.</param>
/// <param name="Error">Why the job failed, or what is wrong with the letter.</param>
public sealed record DeadLetter(
    JobId? JobId,
    BatchId? BatchId,
    int? Attempt,
    int ReceiveCount,
    DateTimeOffset? SubmittedAt,
    JobStatus? Status,
    JobError? Error);

/// <summary>What became of a letter.</summary>
/// <param name="JobId">Its job; null where the letter cannot be read.</param>
/// <param name="BatchId">Its batch.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="Attempt">The attempt as which the job was sent; null where it was not.</param>
/// <param name="Reason">Why, where it was not sent.</param>
public sealed record LetterOutcome(JobId? JobId, BatchId? BatchId, LetterFate Fate, int? Attempt, string? Reason);

/// <summary>What can become of a letter.</summary>
public enum LetterFate
{
    /// <summary>It was sent again, and removed.</summary>
    Redriven,

    /// <summary>There was nothing to send any more; it was removed.</summary>
    Dropped,

    /// <summary>It was removed.</summary>
    Purged,

    /// <summary>It could not be sent, or not be removed, and stays.</summary>
    Kept,

    /// <summary>There is none of that job.</summary>
    NotFound,
}
