using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The system's processes, by <c>/proc</c>.</summary>
internal static class ProcessTable
{
    /// <summary>The ids of the processes of this program that run a verb over a data folder.</summary>
    public static IReadOnlyList<int> Running(string dataFolder, string verb)
    {
        Requirement.Met(Directory.Exists("/proc/self"), "processes are told by /proc, which this system does not have");
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

    /// <summary>The instance that the process of an app node is; null where it has just ended.</summary>
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
            // It has just ended.
            return [];
        }
    }
}
