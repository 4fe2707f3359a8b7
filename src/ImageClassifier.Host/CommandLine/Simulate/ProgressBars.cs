using Spectre.Console;

namespace ImageClassifier.Host.CommandLine.Simulate;

/// <summary>Bars on a terminal while something is worked on.</summary>
internal static class ProgressBars
{
    /// <summary>Works on a thread of the pool, with a bar for each part.</summary>
    /// <param name="terminal">Where; null for no bars.</param>
    /// <param name="parts">The parts, by name.</param>
    /// <param name="work">What is done; it tells which part has come how far, from 0 to 1.</param>
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
