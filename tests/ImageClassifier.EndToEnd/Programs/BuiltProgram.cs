using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The program as it was built, in its own output folder.</summary>
public static class BuiltProgram
{
    /// <summary>The program's file.</summary>
    public static string Path { get; } = Find();

    /// <summary>Runs the program to its end.</summary>
    /// <returns>Its exit code, standard output and standard error.</returns>
    public static Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunAsync(StartInfo(arguments));

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code, standard output and standard error.</returns>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>How the program is started, with its streams redirected.</summary>
    /// <param name="arguments">What follows its name.</param>
    /// <param name="isFaulty">Whether it is the <see cref="FaultyProgram"/>.</param>
    public static ProcessStartInfo StartInfo(IEnumerable<string> arguments, bool isFaulty = false) =>
        Start(isFaulty ? FaultyProgram.Path : Path, arguments);

    /// <summary>How the program is started so that it may have only so many files open.</summary>
    public static ProcessStartInfo StartInfoWithFiles(int openFiles, IEnumerable<string> arguments) => Start(
        "prlimit", [string.Create(CultureInfo.InvariantCulture, $"--nofile={openFiles}"), Path, .. arguments]);

    /// <summary>How the program is started by another one.</summary>
    /// <param name="starter">The other program, with what comes before the name of this one; empty: none.</param>
    /// <param name="arguments">What follows its name.</param>
    public static ProcessStartInfo StartInfoBy(IReadOnlyList<string> starter, IEnumerable<string> arguments) =>
        starter.Count == 0 ? StartInfo(arguments) : Start(starter[0], [.. starter.Skip(1), Path, .. arguments]);

    private static ProcessStartInfo Start(string program, IEnumerable<string> arguments) => new(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        // The program must work from anywhere.
        WorkingDirectory = System.IO.Path.GetTempPath(),
    };

    private static string Find()
    {
        // tests/…/bin/{configuration}/{framework}/
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar));
        var name = OperatingSystem.IsWindows() ? "image-classifier.exe" : "image-classifier";
        return System.IO.Path.Combine(
            Repository.Root, "src", "ImageClassifier.Host", "bin", framework.Parent!.Name, framework.Name, name);
    }
}
