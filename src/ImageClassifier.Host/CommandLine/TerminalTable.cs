using ImageClassifier.Core;
using Spectre.Console;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Tables on a terminal or in a file.</summary>
internal static class TerminalTable
{
    // Without a terminal lines are not wrapped, so that grep and cut find each row on one line.
    private const int Unlimited = 10_000;

    /// <summary>Writes a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="output">The destination.</param>
    /// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
    public static void Write(this Table table, TextWriter output, int? width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = width is null ? AnsiSupport.No : AnsiSupport.Detect,
        });
        console.Profile.Width = width ?? Unlimited;
        console.Write(table);
    }

    /// <summary>A cell whose text is never markup, with all characters visible. Text from others must not move the
    /// cursor or reverse the line.</summary>
    public static Text Plain(string text, Style? style = null) => new(UntrustedText.ForDisplay(text), style);
}
