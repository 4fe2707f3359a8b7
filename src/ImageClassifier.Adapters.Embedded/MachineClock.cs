namespace ImageClassifier.Adapters.Embedded;

/// <summary>
/// The time since this machine started. All its processes read the same, and no one can set it: the wall clock can be
/// set back, and leases that ran by it would hold for hours more.
/// </summary>
/// <param name="time">Its timestamps count from the machine's start.</param>
/// <param name="boot">Names the time from one start of the machine to the next; empty where the system has no such
/// name.</param>
internal sealed class MachineClock(TimeProvider time, string boot)
{
    private const string LinuxBootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>The clock of this machine.</summary>
    public static MachineClock OfThisMachine { get; } = new(TimeProvider.System, ReadBoot());

    /// <summary>Names this run of the machine.</summary>
    public string Boot { get; } = boot;

    /// <summary>Milliseconds since the machine started.</summary>
    public long Now => (long)time.GetElapsedTime(0).TotalMilliseconds;

    private static string ReadBoot()
    {
        try
        {
            return File.Exists(LinuxBootId) ? File.ReadAllText(LinuxBootId).Trim() : "";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
