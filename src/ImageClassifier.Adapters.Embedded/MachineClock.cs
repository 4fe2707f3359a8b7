namespace ImageClassifier.Adapters.Embedded;

/// <summary>
/// The time since this machine started. It is the same for all processes and cannot be set. The wall clock can be set
/// back, and leases measured by it would then last for hours more.
/// </summary>
/// <param name="time">A clock whose timestamps start when the machine starts.</param>
/// <param name="boot">Identifies this boot of the machine; empty if the system has no boot id.</param>
internal sealed class MachineClock(TimeProvider time, string boot)
{
    private const string LinuxBootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>The clock of this machine.</summary>
    public static MachineClock OfThisMachine { get; } = new(TimeProvider.System, ReadBoot());

    /// <summary>Identifies this boot of the machine.</summary>
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
