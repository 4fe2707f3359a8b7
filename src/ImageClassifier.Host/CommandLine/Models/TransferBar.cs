using ImageClassifier.Host.Models;
using Spectre.Console;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The progress bar of a download or an upload.</summary>
internal static class TransferBar
{
    /// <summary>Runs a transfer with a bar.</summary>
    /// <param name="terminal">The terminal; null for no bar.</param>
    /// <param name="name">The name of the model.</param>
    /// <param name="transfer">The transfer. It reports its progress.</param>
    public static async Task<T> RunAsync<T>(
        TextWriter? terminal, string name, Func<Action<TransferProgress>, Task<T>> transfer)
    {
        if (terminal is null) return await transfer(_ => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(context =>
            {
                var bar = context.AddTask(name.EscapeMarkup());
                bar.IsIndeterminate = true;
                return transfer(progress =>
                {
                    bar.IsIndeterminate = progress.Total is null;
                    bar.MaxValue = progress.Total ?? Math.Max(1, progress.Done);
                    bar.Value = progress.Done;
                });
            });
    }
}
