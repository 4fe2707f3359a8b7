using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The built program. Where the build compiles it to machine code, the copy with that code.</summary>
public static class BuiltProgram
{
    /// <summary>The variable that sets the model. Tests without it use the default model.</summary>
    public const string ModelVariable = "IMAGE_CLASSIFIER__NODE__CLASSIFICATION__MODEL";

    /// <summary>The variable that sets the pictures of one run. Tests without it let each node measure what is
    /// fastest.</summary>
    public const string BatchVariable = "IMAGE_CLASSIFIER__NODE__CLASSIFICATION__MAX_BATCH";

    /// <summary>The path of the program.</summary>
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

    /// <summary>The start of the program, with redirected streams.</summary>
    /// <param name="arguments">The arguments of the program.</param>
    /// <param name="isFaulty">True for the <see cref="FaultyProgram"/>.</param>
    public static ProcessStartInfo StartInfo(IEnumerable<string> arguments, bool isFaulty = false) =>
        Start(isFaulty ? FaultyProgram.Path : Path, arguments);

    /// <summary>The start of the program with a limit of open files.</summary>
    public static ProcessStartInfo StartInfoWithFiles(int openFiles, IEnumerable<string> arguments) => Start(
        "prlimit", [string.Create(CultureInfo.InvariantCulture, $"--nofile={openFiles}"), Path, .. arguments]);

    /// <summary>The start of the program by another program.</summary>
    /// <param name="starter">The other program and its own arguments; empty for none.</param>
    /// <param name="arguments">The arguments of this program.</param>
    public static ProcessStartInfo StartInfoBy(IReadOnlyList<string> starter, IEnumerable<string> arguments) =>
        starter.Count == 0 ? StartInfo(arguments) : Start(starter[0], [.. starter.Skip(1), Path, .. arguments]);

    private static ProcessStartInfo Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // The program must work in any working directory.
            WorkingDirectory = System.IO.Path.GetTempPath(),
        };
        foreach (var (name, value) in EmulatedAws.Variables) start.Environment[name] = value;
        start.Environment[BatchVariable] = "8";
        if (SmallModel.FolderOrNull is { } model) start.Environment[ModelVariable] = model;
        return start;
    }

    /// <summary>The path of a program that the build has compiled to machine code; null if it has not, as only the build on
    /// Linux does (<c>CompiledPrograms.targets</c>).</summary>
    internal static string? FindCompiled(string folder, string name)
    {
        var path = System.IO.Path.Combine(AppContext.BaseDirectory, "compiled", folder, name);
        return File.Exists(path) ? path : null;
    }

    private static string Find()
    {
        // tests/…/bin/{configuration}/{framework}/
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar));
        var name = OperatingSystem.IsWindows() ? "image-classifier.exe" : "image-classifier";
        return FindCompiled("service", name) ?? System.IO.Path.Combine(
            Repository.Root, "src", "ImageClassifier.Host", "bin", framework.Parent!.Name, framework.Name, name);
    }
}
