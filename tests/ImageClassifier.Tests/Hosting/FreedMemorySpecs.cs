using System.Globalization;
using System.Runtime.InteropServices;
using ImageClassifier.Host.Hosting;
using Xunit;

namespace ImageClassifier.Tests.Hosting;

public sealed class FreedMemorySpecs
{
    private const int BlockSize = 64 * 1024;
    private const int PageSize = 4096;
    private const int Blocks = 4096;

    [SkippableFact]
    public void Freed_memory_goes_back_to_the_system()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells the memory of a process in /proc.");
        var blocks = new nint[Blocks];
        for (var i = 0; i < Blocks; i++)
        {
            blocks[i] = Marshal.AllocHGlobal(BlockSize);
            // The system gives a page when it is written.
            for (var page = 0; page < BlockSize; page += PageSize) Marshal.WriteByte(blocks[i], page, 1);
        }

        // The last block stays, so the C library cannot simply shrink its heap.
        for (var i = 0; i < Blocks - 1; i++) Marshal.FreeHGlobal(blocks[i]);
        var before = ResidentBytes();

        FreedMemory.Return();

        Marshal.FreeHGlobal(blocks[^1]);
        // Half of it: other tests allocate meanwhile.
        Assert.InRange(before - ResidentBytes(), (long)Blocks * BlockSize / 2, long.MaxValue);
    }

    private static long ResidentBytes()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon", StringComparison.Ordinal));
        var kibibytes = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kibibytes, CultureInfo.InvariantCulture) * 1024;
    }
}
