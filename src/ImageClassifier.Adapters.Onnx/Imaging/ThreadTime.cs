using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The processor time of the calling thread. It does not advance while the thread waits for a core or the
/// process is paused. Both timestamps of a measurement must be read on one thread.</summary>
internal sealed partial class ThreadTime : TimeProvider
{
    private const int NanosecondsPerSecond = 1_000_000_000;
    private const int NanosecondsPerTick = 100;

    // CLOCK_THREAD_CPUTIME_ID on Linux and macOS.
    private const int LinuxClock = 3;
    private const int MacClock = 16;

    // The pseudo-handle of the calling thread.
    private const nint CurrentThread = -2;

    private ThreadTime()
    {
    }

    /// <summary>The processor time of threads; the system clock if the system does not offer it.</summary>
    public static TimeProvider Instance { get; } = Choose();

    /// <inheritdoc />
    public override long TimestampFrequency => NanosecondsPerSecond;

    /// <inheritdoc />
    public override long GetTimestamp() => TryRead() ?? 0;

    private static TimeProvider Choose()
    {
        var isKnown = OperatingSystem.IsWindows()
            || (Environment.Is64BitProcess && (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()));
        return isKnown && TryRead() is not null ? new ThreadTime() : System;
    }

    private static long? TryRead()
    {
        if (OperatingSystem.IsWindows())
        {
            return GetThreadTimes(CurrentThread, out _, out _, out var kernel, out var user)
                ? (kernel + user) * NanosecondsPerTick
                : null;
        }

        return ReadClock(OperatingSystem.IsMacOS() ? MacClock : LinuxClock, out var time) == 0
            ? (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds
            : null;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, out ClockTime time);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetThreadTimes(
        nint thread, out long created, out long ended, out long kernel, out long user);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ClockTime
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}
