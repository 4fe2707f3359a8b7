using ImageClassifier.Core;
using ImageClassifier.Web.DeadLetters;

namespace ImageClassifier.Tests;

/// <summary>Collects the outcomes of a desk in a list.</summary>
internal static class DeskOutcomes
{
    /// <summary>Sends letters again.</summary>
    public static Task<IReadOnlyList<LetterOutcome>> RedriveAsync(
        this IDeadLetterDesk desk, IReadOnlyCollection<JobId>? jobs, CancellationToken cancellation) =>
        ListAsync(onOutcome => desk.RedriveAsync(jobs, onOutcome, cancellation));

    /// <summary>Removes letters.</summary>
    public static Task<IReadOnlyList<LetterOutcome>> PurgeAsync(
        this IDeadLetterDesk desk, IReadOnlyCollection<JobId>? jobs, CancellationToken cancellation) =>
        ListAsync(onOutcome => desk.PurgeAsync(jobs, onOutcome, cancellation));

    private static async Task<IReadOnlyList<LetterOutcome>> ListAsync(Func<Action<LetterOutcome>, Task> deal)
    {
        var outcomes = new List<LetterOutcome>();
        await deal(outcomes.Add);
        return outcomes;
    }
}
