using System.Globalization;
using ImageClassifier.Core;
using Spectre.Console;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Shows the progress of a send.</summary>
internal interface ISendDisplay
{
    /// <summary>The numbers of files: all, those that were sent, and those with an outcome.</summary>
    void Show(long total, double sent, long done);

    /// <summary>Shows a sentence.</summary>
    void Note(string text);
}

/// <summary>Sentences on standard error, without bars.</summary>
internal sealed class PlainDisplay(TextWriter error) : ISendDisplay
{
    public void Show(long total, double sent, long done)
    {
    }

    public void Note(string text) => error.WriteLine(UntrustedText.ForDisplay(text));
}

/// <summary>Two bars on a terminal: one for the upload, one for the results.</summary>
internal sealed class BarDisplay : ISendDisplay
{
    private readonly IAnsiConsole _console;
    private readonly ProgressTask _upload;
    private readonly ProgressTask _results;

    private BarDisplay(IAnsiConsole console, ProgressContext context)
    {
        _console = console;
        _upload = context.AddTask("Sent");
        _results = context.AddTask("Results");
    }

    /// <summary>Runs work with the bars, which then disappear.</summary>
    public static async Task RunAsync(TextWriter terminal, Func<ISendDisplay, Task> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal) });
        await console.Progress().AutoClear(true).StartAsync(context => work(new BarDisplay(console, context)));
    }

    public void Show(long total, double sent, long done)
    {
        Show(_upload, "Sent", total, sent);
        Show(_results, "Results", total, done);
    }

    public void Note(string text) => _console.WriteLine(UntrustedText.ForDisplay(text));

    private static void Show(ProgressTask bar, string name, long total, double value)
    {
        bar.MaxValue = Math.Max(1, total);
        bar.Value = value;
        bar.Description = string.Create(CultureInfo.InvariantCulture, $"{name} {Math.Floor(value):N0} of {total:N0}");
    }
}
