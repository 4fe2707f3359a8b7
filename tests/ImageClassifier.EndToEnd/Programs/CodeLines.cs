using System.Diagnostics;
using ImageClassifier.Testing;
using Microsoft.Playwright;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Runs the lines that the page offers for other programs.</summary>
internal static class CodeLines
{
    private static readonly Dictionary<string, string[]> Commands = new(StringComparer.Ordinal)
    {
        ["javascript"] = ["node", "--input-type=module", "-e"],
        ["python"] = ["python3", "-c"],
    };

    public static IEnumerable<string> Languages => Commands.Keys;

    public static async Task<string> ReadAsync(IPage page, string language) =>
        (await page.Locator($"#code-{language}").TextContentAsync())!;

    /// <returns>What the lines print, without the spaces around it.</returns>
    public static async Task<string> RunAsync(string language, string lines, string folder)
    {
        var command = Commands[language];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Requirement.Met(folders.Any(at => File.Exists(Path.Combine(at, command[0]))), $"there is no {command[0]} on the path");
        var (exitCode, output, error) = await BuiltProgram.RunAsync(
            new ProcessStartInfo(command[0], [.. command.Skip(1), lines])
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        Requirement.Met(
            !error.Contains("No module named 'requests'", StringComparison.Ordinal), "python3 has no module requests");
        return exitCode == 0 ? output.Trim() : error;
    }
}
