using System.Runtime.InteropServices;

namespace ImageClassifier.Host.Hosting;

/// <summary>The number of files that this process may have open. Each connection is one of them.</summary>
internal static class OpenFileLimit
{
    private const int OnLinux = 7;
    private const int OnMacOs = 8;

    /// <summary>The limit; null if the system has none. The runtime has raised it at its start as far as
    /// allowed.</summary>
    public static long? OfThisProcess()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return null;
        if (GetLimit(OperatingSystem.IsLinux() ? OnLinux : OnMacOs, out var limit) != 0) return null;
        return limit.Current > long.MaxValue ? null : (long)limit.Current;
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int GetLimit(int resource, out Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limit
    {
        public readonly ulong Current;
        public readonly ulong Highest;
    }
}
