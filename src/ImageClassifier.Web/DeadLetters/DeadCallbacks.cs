using System.Runtime.CompilerServices;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Callbacks;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>The deliveries to receivers of clients that were given up. They are objects in the store, and no
/// messages.</summary>
/// <param name="store">The store.</param>
public sealed class DeadCallbacks(IObjectStore store) : IDeadLetterDesk
{
    private const string NotDelivered = "not-delivered";

    private readonly StoredCallbacks _stored = new(store);

    /// <inheritdoc />
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(int max, CancellationToken cancellation)
    {
        var letters = new List<DeadLetter>();
        await foreach (var (batch, subject, key) in FindAsync(cancellation))
        {
            if (letters.Count == max) break;
            var dead = (await store.ReadDocumentAsync<DeadCallback>(key, cancellation)).OrNull;
            var delivery = dead?.Delivery;
            var reason = delivery is null ? dead?.Reason : $"{delivery.Host}: {dead!.Reason}";
            letters.Add(new DeadLetter(
                subject.Job, batch, subject.Attempt, delivery?.Tries ?? 0, delivery?.CreatedAt, null,
                new JobError(NotDelivered, reason ?? "The object of the callback is damaged.")));
        }

        return letters;
    }

    /// <summary>Makes deliveries wait again, with the tries of a new one. The web tier finds them within a
    /// minute.</summary>
    /// <inheritdoc />
    public Task RedriveAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation) =>
        ProcessAsync(
            jobs,
            async (batch, subject, key) =>
            {
                var dead = (await store.ReadDocumentAsync<DeadCallback>(key, cancellation)).OrNull;
                if (dead?.Delivery is not { } delivery)
                {
                    return new LetterOutcome(
                        subject.Job, batch, LetterFate.Kept, null, "The callback is damaged; it can only be purged.");
                }

                await _stored.ReviveAsync(delivery, subject, cancellation);
                return new LetterOutcome(subject.Job, batch, LetterFate.Redriven, subject.Attempt, null);
            },
            onOutcome, cancellation);

    /// <inheritdoc />
    public Task PurgeAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation) =>
        ProcessAsync(
            jobs,
            async (batch, subject, _) =>
            {
                await _stored.PurgeAsync(batch, subject, cancellation);
                return new LetterOutcome(subject.Job, batch, LetterFate.Purged, null, null);
            },
            onOutcome, cancellation);

    private async Task ProcessAsync(
        IReadOnlyCollection<JobId>? jobs,
        Func<BatchId, CallbackSubject, string, Task<LetterOutcome>> handle,
        Action<LetterOutcome> onOutcome,
        CancellationToken cancellation)
    {
        var found = new HashSet<JobId>();
        await foreach (var (batch, subject, key) in FindAsync(cancellation))
        {
            if (jobs is not null && (subject.Job is not { } job || !jobs.Contains(job))) continue;
            if (subject.Job is { } known) found.Add(known);
            onOutcome(await handle(batch, subject, key));
        }

        foreach (var job in (jobs ?? []).Where(job => !found.Contains(job)))
            onOutcome(new LetterOutcome(job, null, LetterFate.NotFound, null, "No callback of this job was given up."));
    }

    private async IAsyncEnumerable<(BatchId Batch, CallbackSubject Subject, string Key)> FindAsync(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var found in store.ListAsync(CallbackKeys.Dead, cancellation))
        {
            if (CallbackKeys.TryParseDead(found.Key, out var batch, out var subject))
                yield return (batch, subject, found.Key);
        }
    }
}
