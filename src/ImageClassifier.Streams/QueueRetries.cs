using ImageClassifier.Core.Ports;
using Polly;

namespace ImageClassifier.Streams;

/// <summary>Makes batch calls to a queue, and retries only the entries that failed. Safe from any thread.</summary>
/// <param name="policy">The number of tries, and the pauses between them.</param>
/// <param name="time">The clock of the pauses.</param>
public sealed class QueueRetries(RetryPolicy policy, TimeProvider time)
{
    // Each entry has its own limit, so a call says whether it left entries to retry.
    private readonly ResiliencePipeline _pipeline =
        policy.CreatePipeline(time, outcome => outcome.Result is true ? int.MaxValue : 1);

    /// <summary>Makes a batch call, and retries only the entries that were <see cref="QueueOutcomeKind.Retriable"/>.
    /// Entries that were <see cref="QueueOutcomeKind.Refused"/> are retried <see cref="RetryPolicy.RefusedAttempts"/>
    /// times. If a call throws, its exception counts as the outcome of all its entries.</summary>
    /// <returns>One outcome for each entry, in the same order; retriable or refused if all tries failed.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<IReadOnlyList<QueueOutcome>> RunAsync<T>(
        IReadOnlyList<T> entries,
        Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<QueueOutcome>>> call,
        CancellationToken cancellation)
    {
        var outcomes = new QueueOutcome[entries.Count];
        var open = Enumerable.Range(0, entries.Count).ToArray();
        var calls = 0;
        await _pipeline.ExecuteAsync(CallOpenAsync, cancellation);
        return outcomes;

        async ValueTask<bool> CallOpenAsync(CancellationToken token)
        {
            var answers = await TryCallAsync([.. open.Select(index => entries[index])], call, token);
            for (var i = 0; i < open.Length; i++) outcomes[open[i]] = answers[i];
            calls++;
            open = [.. open.Where(index => calls < MostCalls(outcomes[index].Kind))];
            return open.Length > 0;
        }
    }

    private int MostCalls(QueueOutcomeKind outcome) => outcome switch
    {
        QueueOutcomeKind.Retriable => policy.Attempts,
        QueueOutcomeKind.Refused => RetryPolicy.RefusedAttempts,
        _ => 1,
    };

    private static async Task<IReadOnlyList<QueueOutcome>> TryCallAsync<T>(
        IReadOnlyList<T> entries,
        Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<QueueOutcome>>> call,
        CancellationToken cancellation)
    {
        try
        {
            var answers = await call(entries, cancellation);
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
