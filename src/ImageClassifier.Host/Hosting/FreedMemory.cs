using System.Runtime.InteropServices;

namespace ImageClassifier.Host.Hosting;

/// <summary>The memory that the load of a model has used and freed. It can be several times the size of the model, and the
/// process would keep it: the garbage collector runs rarely in a process that allocates little, and the C library keeps
/// what it may need again.</summary>
internal static class FreedMemory
{
    /// <summary>Returns it to the system. Takes some milliseconds, in which the process stands still.</summary>
    public static void Return()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = Trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Only the GNU C library has it. Others return memory by themselves.
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Trim(nuint kept);
}
