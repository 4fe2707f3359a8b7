using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The processes of the system, read from <c>/proc</c>.</summary>
internal static class ProcessTable
{
    /// <summary>The process ids of this program's processes that run a verb with a data folder.</summary>
    public static IReadOnlyList<int> Running(string dataFolder, string verb)
    {
        Requirement.Met(Directory.Exists("/proc/self"), "processes are read from /proc, which this system lacks");
        return
        [
            .. from folder in Directory.EnumerateDirectories("/proc")
               let id = int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var parsed) ? parsed : 0
               where id > 0
               let arguments = CommandLine(folder)
               where arguments.Contains(verb) && arguments.Contains(dataFolder)
               select id,
        ];
    }

    /// <summary>The instance of an app node's process; null if the process has just ended.</summary>
    public static string? Instance(int process) =>
        CommandLine($"/proc/{process}").SkipWhile(argument => argument != "--instance").ElementAtOrDefault(1);

    /// <summary>Sends a signal, by its name without SIG.</summary>
    public static void Signal(int process, string signal)
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "this system has no signals");
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static string[] CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The process has just ended.
            return [];
        }
    }
}
