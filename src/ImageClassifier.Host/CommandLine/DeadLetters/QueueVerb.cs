using ImageClassifier.Web.DeadLetters;

namespace ImageClassifier.Host.CommandLine.DeadLetters;

/// <summary>The verbs <c>queue list</c>, <c>queue redrive</c> and <c>queue purge</c>: what a queue gave up on.</summary>
/// <param name="desk">Where it is dealt with.</param>
/// <param name="output">Standard output.</param>
/// <param name="width">How wide a line may be; null for no limit.</param>
internal sealed class QueueVerb(DeadLetterDesk desk, TextWriter output, int? width)
{
    // What a person reads, and a lease lasts for. The rest shows when these are dealt with.
    private const int MostListed = 1000;

    /// <summary>Runs the verb.</summary>
    /// <returns>One of <see cref="ExitCodes"/>: <see cref="ExitCodes.SomeFailed"/> where a letter stays that was to go, or
    /// a job has none.</returns>
    public async Task<int> RunAsync(QueueOptions options, CancellationToken cancellation)
    {
        var printer = new LetterPrinter(output, options.Json, width);
        switch (options.Action)
        {
            case QueueAction.List:
                printer.Print(await desk.ListAsync(MostListed, cancellation));
                return ExitCodes.Done;
            case QueueAction.Redrive:
                return await ReportAsync(printer, report => desk.RedriveAsync(options.Jobs, report, cancellation));
            case QueueAction.Purge:
                return await ReportAsync(printer, report => desk.PurgeAsync(options.Jobs, report, cancellation));
            default:
                throw new ArgumentOutOfRangeException(nameof(options), options.Action, "No such action.");
        }
    }

    /// <summary>Prints what became of letters, also where dealing with them broke off: those are done.</summary>
    private static async Task<int> ReportAsync(LetterPrinter printer, Func<Action<LetterOutcome>, Task> deal)
    {
        var outcomes = new List<LetterOutcome>();
        try
        {
            await deal(outcomes.Add);
        }
        catch when (outcomes.Count > 0)
        {
            printer.Print(outcomes);
            throw;
        }

        printer.Print(outcomes);
        return outcomes.Any(outcome => outcome.Fate is LetterFate.Kept or LetterFate.NotFound)
            ? ExitCodes.SomeFailed
            : ExitCodes.Done;
    }
}
