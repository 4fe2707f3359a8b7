using ImageClassifier.Core;
using Spectre.Console;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Tables for people, on a terminal or in a file.</summary>
internal static class TerminalTable
{
    // Where no terminal sets a width, lines are as long as they are, so that grep and cut find a row on one line.
    private const int Unlimited = 10_000;

    /// <summary>Writes a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="output">Where.</param>
    /// <param name="width">How wide a line may be; null where the output is no terminal.</param>
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

    /// <summary>A cell that is never markup and in which every character is seen: what others have written must not
    /// move the cursor, nor turn the direction of the line.</summary>
    public static Text Plain(string text, Style? style = null) => new(UntrustedText.ForDisplay(text), style);
}
