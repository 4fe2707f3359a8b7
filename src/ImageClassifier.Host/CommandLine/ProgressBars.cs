using Spectre.Console;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Progress bars on a terminal.</summary>
internal static class ProgressBars
{
    /// <summary>Runs work on a thread of the pool, with a bar for each part.</summary>
    /// <param name="terminal">The terminal; null for no bars.</param>
    /// <param name="parts">The names of the parts.</param>
    /// <param name="work">The work. It reports the progress of each part, from 0 to 1.</param>
    public static async Task<T> RunAsync<T>(
        TextWriter? terminal, IReadOnlyList<string> parts, Func<Action<int, double>, T> work)
    {
        if (terminal is null) return await Task.Run(() => work((_, _) => { }));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal) });
        return await console.Progress().AutoClear(true).StartAsync(context =>
        {
            ProgressTask[] bars = [.. parts.Select(part => context.AddTask(part, maxValue: 1))];
            return Task.Run(() => work((part, done) => bars[part].Value = done));
        });
    }
}
