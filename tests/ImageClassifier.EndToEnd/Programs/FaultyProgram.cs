using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The program with injected faults: pictures on which its decoder crashes or fails, and wrong clocks. Its app
/// nodes and their child processes are this program too.</summary>
internal static class FaultyProgram
{
    /// <summary>The path of the program.</summary>
    public static string Path { get; } =
        BuiltProgram.FindCompiled("faulty", Name) ?? System.IO.Path.Combine(AppContext.BaseDirectory, Name);

    private static string Name =>
        typeof(FaultyProgram).Assembly.GetName().Name + (OperatingSystem.IsWindows() ? ".exe" : "");

    private static Task<int> Main(string[] arguments)
    {
        var sound = NodeParts.Create();
        var parts = new NodeParts(
            (settings, arrangementOf) => new FragileClassifier(sound.LoadClassifier(settings, arrangementOf)),
            settings => new FragileClassifier(sound.LoadInBackground(settings)),
            system => WrongClock.Guard(sound.CreateClock(system)));
        var program = new CommandLineProgram(
            new Verbs(parts), Console.Out, Console.Error, SettingsSources.ProcessVariables());
        return program.RunAsync(arguments, CancellationToken.None);
    }
}
