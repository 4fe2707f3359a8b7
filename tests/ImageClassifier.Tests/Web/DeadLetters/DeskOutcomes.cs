using ImageClassifier.Core;
using ImageClassifier.Web.DeadLetters;

namespace ImageClassifier.Tests;

/// <summary>What a desk tells, as a list.</summary>
internal static class DeskOutcomes
{
    /// <summary>Sends letters again.</summary>
    public static Task<IReadOnlyList<LetterOutcome>> RedriveAsync(
        this DeadLetterDesk desk, IReadOnlyCollection<JobId>? jobs, CancellationToken cancellation) =>
        ListAsync(told => desk.RedriveAsync(jobs, told, cancellation));

    /// <summary>Removes letters.</summary>
    public static Task<IReadOnlyList<LetterOutcome>> PurgeAsync(
        this DeadLetterDesk desk, IReadOnlyCollection<JobId>? jobs, CancellationToken cancellation) =>
        ListAsync(told => desk.PurgeAsync(jobs, told, cancellation));

    private static async Task<IReadOnlyList<LetterOutcome>> ListAsync(Func<Action<LetterOutcome>, Task> deal)
    {
        var outcomes = new List<LetterOutcome>();
        await deal(outcomes.Add);
        return outcomes;
    }
}
