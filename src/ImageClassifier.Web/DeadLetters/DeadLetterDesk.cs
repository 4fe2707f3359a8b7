using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>Lets an operator list, redrive or purge the messages of a dead-letter queue ("letters").</summary>
public abstract class DeadLetterDesk : IDeadLetterDesk
{
    // Handling a letter takes well under a second, and the letters of one batch are handled one by one.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);
    private const int BatchSize = 100;

    private readonly DeadLetterQueue _queue;

    private protected DeadLetterDesk(IMessageQueue deadLetters) => _queue = new DeadLetterQueue(deadLetters);

    /// <summary>Lists letters and leaves them on the queue. A message counts as one, and with several results it is as
    /// many letters.</summary>
    /// <inheritdoc />
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(int max, CancellationToken cancellation)
    {
        var taken = await _queue.TakeAsync(max, Lease, cancellation);
        try
        {
            var letters = new List<DeadLetter>();
            foreach (var message in taken) letters.AddRange(await DescribeAsync(message, cancellation));
            return letters;
        }
        finally
        {
            await _queue.HandBackAsync(taken, CancellationToken.None);
        }
    }

    /// <summary>Sends jobs again, each as its next attempt, or results as they are, and removes their letters. Letters of
    /// one message go together.</summary>
    /// <inheritdoc />
    public Task RedriveAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation) =>
        ProcessAsync(jobs, RedriveAsync, onOutcome, cancellation);

    /// <summary>Removes letters. Letters of one message go together. No job is lost: the web tier sends a job without a
    /// result again in time.</summary>
    /// <inheritdoc />
    public Task PurgeAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation) =>
        ProcessAsync(
            jobs, (message, _) => Task.FromResult(Outcomes(message, LetterFate.Purged)), onOutcome, cancellation);

    /// <summary>One letter for each job of a message, or one for a message that is unreadable.</summary>
    private protected abstract Task<IReadOnlyList<DeadLetter>> DescribeAsync(
        ReceivedMessage message, CancellationToken cancellation);

    /// <summary>Sends the jobs or results of a message again.</summary>
    /// <returns>Outcomes with the same fate, one for each job of the message. The message is then removed, unless they
    /// are <see cref="LetterFate.Kept"/>.</returns>
    private protected abstract Task<IReadOnlyList<LetterOutcome>> RedriveAsync(
        ReceivedMessage message, CancellationToken cancellation);

    /// <summary>The jobs of a message, with their batches; none if it is unreadable.</summary>
    private protected abstract IReadOnlyList<(JobId Job, BatchId Batch)> Subjects(ReceivedMessage message);

    private protected IReadOnlyList<LetterOutcome> Outcomes(
        ReceivedMessage message, LetterFate fate, string? reason = null) =>
        Subjects(message) is { Count: > 0 } subjects
            ? [.. subjects.Select(subject => new LetterOutcome(subject.Job, subject.Batch, fate, Attempt: null, reason))]
            : [new LetterOutcome(null, null, fate, Attempt: null, reason)];

    /// <summary>Removes a message. A failed removal is reported, except after a redrive: there a second redrive is
    /// harmless.</summary>
    private async Task<IReadOnlyList<LetterOutcome>> RemoveAsync(
        ReceivedMessage message, IReadOnlyList<LetterOutcome> outcomes)
    {
        var removal = await _queue.DeleteAsync(message, CancellationToken.None);
        return removal.Succeeded || outcomes[0].Fate == LetterFate.Redriven
            ? outcomes
            : Outcomes(message, LetterFate.Kept, $"The letter could not be removed. {removal.Reason}".TrimEnd());
    }

    private async Task ProcessAsync(
        IReadOnlyCollection<JobId>? jobs,
        Func<ReceivedMessage, CancellationToken, Task<IReadOnlyList<LetterOutcome>>> handle,
        Action<LetterOutcome> onOutcome,
        CancellationToken cancellation)
    {
        var found = new HashSet<JobId>();
        var held = new List<ReceivedMessage>();
        // Kept letters are held until the end, so each letter is received once. If their lease expires, they are
        // received again. By then every letter has had its turn.
        var kept = new HashSet<string>();
        try
        {
            while (await TakeNextAsync(kept, held, cancellation) is { Count: > 0 } taken)
            {
                foreach (var message in taken)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var isSelected = jobs is null || Subjects(message).Any(subject => jobs.Contains(subject.Job));
                    var outcomes = isSelected ? await handle(message, cancellation) : [];
                    if (outcomes is [{ Fate: not LetterFate.Kept }, ..]) outcomes = await RemoveAsync(message, outcomes);
                    foreach (var outcome in outcomes)
                    {
                        onOutcome(outcome);
                        if (outcome.JobId is { } known) found.Add(known);
                    }

                    if (outcomes is [] or [{ Fate: LetterFate.Kept }, ..])
                    {
                        kept.Add(message.Body);
                        continue;
                    }

                    held.Remove(message);
                }
            }
        }
        finally
        {
            await _queue.HandBackAsync(held, CancellationToken.None);
        }

        foreach (var job in (jobs ?? []).Where(job => !found.Contains(job)))
        {
            onOutcome(new LetterOutcome(
                job, null, LetterFate.NotFound, null, "The dead-letter queue has no letter of this job."));
        }
    }

    private async Task<IReadOnlyList<ReceivedMessage>> TakeNextAsync(
        HashSet<string> kept, List<ReceivedMessage> held, CancellationToken cancellation)
    {
        var taken = await _queue.TakeAsync(BatchSize, Lease, cancellation);
        held.AddRange(taken);
        return [.. taken.Where(message => !kept.Contains(message.Body))];
    }
}

/// <summary>A letter: a job or result in a message that a queue gave up on.</summary>
/// <param name="JobId">The job; null if the letter is unreadable.</param>
/// <param name="BatchId">The batch.</param>
/// <param name="Attempt">The attempt that the message requests or answers.</param>
/// <param name="ReceiveCount">How often the message was received. Listing counts as well.</param>
/// <param name="SubmittedAt">When the picture was accepted; null if the message does not contain it.</param>
/// <param name="Status">The job's status in the store; <see cref="JobStatus.Queued"/> without a result.</param>
/// <param name="Error">Why the job failed, or why the letter is unreadable.</param>
public sealed record DeadLetter(
    JobId? JobId,
    BatchId? BatchId,
    int? Attempt,
    int ReceiveCount,
    DateTimeOffset? SubmittedAt,
    JobStatus? Status,
    JobError? Error);

/// <summary>The outcome of a letter.</summary>
/// <param name="JobId">The job; null if the letter is unreadable.</param>
/// <param name="BatchId">The batch.</param>
/// <param name="Fate">The outcome.</param>
/// <param name="Attempt">The attempt that was sent; null if nothing was sent.</param>
/// <param name="Reason">Why nothing was sent.</param>
public sealed record LetterOutcome(JobId? JobId, BatchId? BatchId, LetterFate Fate, int? Attempt, string? Reason);

/// <summary>The possible outcomes of a letter.</summary>
public enum LetterFate
{
    /// <summary>The job was sent again, and the letter removed.</summary>
    Redriven,

    /// <summary>There was nothing left to send. The letter was removed.</summary>
    Dropped,

    /// <summary>The letter was removed on request.</summary>
    Purged,

    /// <summary>The job could not be sent, or the letter not removed. The letter stays.</summary>
    Kept,

    /// <summary>The job has no letter.</summary>
    NotFound,
}
