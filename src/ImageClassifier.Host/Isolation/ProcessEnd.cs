using System.Globalization;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.Isolation;

/// <summary>Explains how a process ended, from its exit code.</summary>
internal static class ProcessEnd
{
    // The exit code of a process that a signal ended is this plus the number of the signal.
    private const int SignalBase = 128;

    // The signals for a fault of the process itself: SIGILL, SIGTRAP, SIGABRT, SIGFPE and SIGSEGV; SIGBUS is below. On
    // Windows a fault gives its exception's number, which is negative, and a kill by another process gives -1.
    private static readonly int[] Faults = [4, 5, 6, 8, 11];
    private const int KilledOnWindows = -1;

    private static int BusError => OperatingSystem.IsMacOS() ? 10 : 7;

    /// <summary>How the process died; null if it ended by itself with its own exit code.</summary>
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

    /// <summary>A description for the log.</summary>
    public static string Describe(int exitCode) => exitCode > SignalBase
        ? string.Create(CultureInfo.InvariantCulture, $"Signal {exitCode - SignalBase}")
        : string.Create(CultureInfo.InvariantCulture, $"Exit code {exitCode}");
}
