using System.Globalization;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.Isolation;

/// <summary>How a process ended, by its exit code.</summary>
internal static class ProcessEnd
{
    // What the runtime adds to the number of the signal that ended a process.
    private const int SignalBase = 128;

    // What a process gets for a fault of its own: SIGILL, SIGTRAP, SIGABRT, SIGFPE and SIGSEGV, with SIGBUS below.
    // Windows gives the exception's number, which is negative, and -1 to a process that another one ended.
    private static readonly int[] Faults = [4, 5, 6, 8, 11];
    private const int KilledOnWindows = -1;

    private static int BusError => OperatingSystem.IsMacOS() ? 10 : 7;

    /// <summary>The kind of its death; null where it ended by itself, with an exit code of its own.</summary>
    public static ProcessDeath? Of(int exitCode)
    {
        if (OperatingSystem.IsWindows())
        {
            return exitCode switch
            {
                >= 0 => null,
                KilledOnWindows => ProcessDeath.Killed,
                _ => ProcessDeath.Crashed,
            };
        }

        var signal = exitCode - SignalBase;
        if (signal <= 0) return null;
        return Faults.Contains(signal) || signal == BusError ? ProcessDeath.Crashed : ProcessDeath.Killed;
    }

    /// <summary>For the log.</summary>
    public static string Describe(int exitCode) => exitCode > SignalBase
        ? string.Create(CultureInfo.InvariantCulture, $"Signal {exitCode - SignalBase}")
        : string.Create(CultureInfo.InvariantCulture, $"Exit code {exitCode}");
}
