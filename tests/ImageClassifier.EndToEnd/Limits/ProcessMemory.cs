using System.Globalization;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>The memory of a process, read from <c>/proc</c>.</summary>
internal static class ProcessMemory
{
    /// <summary>The bytes in memory now.</summary>
    public static long Now(int process) => Read(process, "VmRSS") ?? 0;

    /// <summary>The most bytes that were in memory; null if the process has ended.</summary>
    public static long? Peak(int process) => Read(process, "VmHWM");

    private static long? Read(int process, string what)
    {
        Requirement.Met(Directory.Exists("/proc/self"), "memory is read from /proc, which this system does not have");
        try
        {
            var line = File.ReadLines($"/proc/{process}/status")
                .FirstOrDefault(line => line.StartsWith(what, StringComparison.Ordinal));
            var kilobytes = line?.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^2];
            return kilobytes is null ? null : long.Parse(kilobytes, CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
