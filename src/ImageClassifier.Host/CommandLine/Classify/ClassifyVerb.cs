using Akka.Configuration;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>The verb <c>classify</c>: classifies files on this machine. It prints a table, or with <c>--json</c> an
/// array in the order of the arguments.</summary>
/// <param name="createClassifier">Creates the classifier of the settings.</param>
/// <param name="output">Standard output. It receives only the table or the array.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
public sealed class ClassifyVerb(Func<Config, IImageClassifier> createClassifier, TextWriter output, int? width)
{
    /// <summary>Classifies the files and prints the outcomes. If it is cancelled, it prints the outcomes so far, also
    /// as a complete JSON array.</summary>
    /// <returns><see cref="ExitCodes.Done"/> if every file was classified; <see cref="ExitCodes.SomeFailed"/> if a file
    /// was not, or the work was cancelled.</returns>
    /// <exception cref="Core.InvalidSettingException">A setting is wrong. Nothing was printed.</exception>
    public async Task<int> RunAsync(ClassifyOptions options, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(options.Settings);
        var uploads = UploadSettings.Create(config);
        using var classifier = createClassifier(config);
        var work = new FileClassification(
            classifier, uploads.MaxFileSize, uploads.Formats, Environment.ProcessorCount);
        IOutcomePrinter printer = options.Json ? new JsonPrinter(output) : new TablePrinter(output, width);

        var exitCode = ExitCodes.Done;
        printer.Begin();
        try
        {
            await foreach (var outcome in work.RunAsync(options.Files, cancellation))
            {
                printer.Print(outcome);
                if (outcome.Status != JobStatus.Classified) exitCode = ExitCodes.SomeFailed;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            exitCode = ExitCodes.SomeFailed;
        }
        finally
        {
            printer.End();
        }

        return exitCode;
    }
}
