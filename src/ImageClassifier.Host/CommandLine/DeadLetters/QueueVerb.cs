using ImageClassifier.Web.DeadLetters;

namespace ImageClassifier.Host.CommandLine.DeadLetters;

/// <summary>The verbs <c>queue list</c>, <c>queue redrive</c> and <c>queue purge</c>: they handle dead
/// letters.</summary>
/// <param name="desk">Reads, sends and removes the letters.</param>
/// <param name="output">Standard output.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
internal sealed class QueueVerb(IDeadLetterDesk desk, TextWriter output, int? width)
{
    // More letters than this are no use on a screen, and their leases would end meanwhile. The rest is listed after
    // these are handled.
    private const int MostListed = 1000;

    /// <summary>Runs the verb.</summary>
    /// <returns><see cref="ExitCodes.Done"/>, or <see cref="ExitCodes.SomeFailed"/> if a letter could not be handled or
    /// a job has no letter.</returns>
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

    /// <summary>Prints the outcomes, even if the work broke off: these letters are done.</summary>
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
