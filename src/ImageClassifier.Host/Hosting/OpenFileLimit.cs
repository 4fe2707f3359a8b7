using System.Runtime.InteropServices;

namespace ImageClassifier.Host.Hosting;

/// <summary>How many files this process may have open. Each connection is one of them.</summary>
internal static class OpenFileLimit
{
    private const int OnLinux = 7;
    private const int OnMacOs = 8;

    /// <summary>The limit; null where the system has none. At its start the runtime has raised it as far as it
    /// may.</summary>
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
