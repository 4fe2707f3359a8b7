using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>Retries the failed entries of a queue's batch calls.</summary>
internal static class QueueRetries
{
    /// <summary>Makes a batch call, and retries only the entries that were <see cref="QueueOutcomeKind.Retriable"/>.
    /// Entries that were <see cref="QueueOutcomeKind.Refused"/> are retried <see cref="RetryPolicy.RefusedAttempts"/>
    /// times. If a call throws, its exception counts as the outcome of all its entries.</summary>
    /// <returns>One outcome for each entry, in the same order; retriable or refused if all tries failed.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<IReadOnlyList<QueueOutcome>> RunAsync<T>(
        IReadOnlyList<T> entries,
        Func<IReadOnlyList<T>, Task<IReadOnlyList<QueueOutcome>>> call,
        RetryPolicy retries,
        TimeProvider time,
        CancellationToken cancellation)
    {
        var outcomes = new QueueOutcome[entries.Count];
        var open = Enumerable.Range(0, entries.Count).ToArray();
        var backoff = new Backoff(retries.MinBackoff, retries.MaxBackoff);
        for (var attempt = 1; open.Length > 0; attempt++)
        {
            var answers = await TryCallAsync([.. open.Select(index => entries[index])], call, cancellation);
            for (var i = 0; i < open.Length; i++) outcomes[open[i]] = answers[i];
            open = [.. open.Where(index => attempt < MostAttempts(outcomes[index].Kind, retries))];
            if (open.Length > 0) await Task.Delay(backoff.Next(), time, cancellation);
        }

        return outcomes;
    }

    private static int MostAttempts(QueueOutcomeKind outcome, RetryPolicy retries) => outcome switch
    {
        QueueOutcomeKind.Retriable => retries.Attempts,
        QueueOutcomeKind.Refused => RetryPolicy.RefusedAttempts,
        _ => 0,
    };

    private static async Task<IReadOnlyList<QueueOutcome>> TryCallAsync<T>(
        IReadOnlyList<T> entries,
        Func<IReadOnlyList<T>, Task<IReadOnlyList<QueueOutcome>>> call,
        CancellationToken cancellation)
    {
        try
        {
            var answers = await call(entries);
            return answers.Count == entries.Count
                ? answers
                : All(
                    QueueOutcomeKind.Retriable,
                    $"The queue answered {answers.Count} outcomes for {entries.Count} entries.");
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            var kind = failure is IPermanentRefusal ? QueueOutcomeKind.Refused : QueueOutcomeKind.Retriable;
            return All(kind, failure.Message);
        }

        QueueOutcome[] All(QueueOutcomeKind kind, string reason) =>
            [.. Enumerable.Repeat(new QueueOutcome(kind, reason), entries.Count)];
    }
}
