using Akka.Configuration;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>The verb <c>classify</c>: classifies files on the spot and prints a table, or with <c>--json</c> an array in
/// the order of the arguments.</summary>
/// <param name="createClassifier">Makes the classifier that the settings describe.</param>
/// <param name="output">Standard output: the table or the array, and nothing else.</param>
/// <param name="width">The terminal's width in characters; null where the output is no terminal.</param>
public sealed class ClassifyVerb(Func<Config, IImageClassifier> createClassifier, TextWriter output, int? width)
{
    /// <summary>Runs it.</summary>
    /// <returns><see cref="ExitCodes.Done"/> when every file was classified; <see cref="ExitCodes.SomeFailed"/> when one
    /// was not, or <paramref name="cancellation"/> came first. What was done until then is printed, as whole JSON too.</returns>
    /// <exception cref="Core.InvalidSettingException">A setting is not usable; nothing was printed.</exception>
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
