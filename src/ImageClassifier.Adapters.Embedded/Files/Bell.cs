using Microsoft.Win32.SafeHandles;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>
/// Wakes whoever waits for a change in a shared database, in any process: ringing writes to a file, and a file watcher
/// hears it within about a millisecond. It may miss a ring (no watcher could be made, a buffer ran over), so whoever
/// waits also looks by itself now and then.
/// </summary>
/// <param name="path">The bell's file, alone with other bells in its folder: a watcher hears every file there.</param>
internal sealed class Bell(string path) : IDisposable
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _next = NewRing();
    private SafeFileHandle? _file;
    private FileSystemWatcher? _watcher;
    private bool _watched;
    private bool _disposed;

    /// <summary>The bell of a database, or of one queue in it.</summary>
    public static Bell For(string databasePath, string name)
    {
        var folder = FolderIn(Path.GetDirectoryName(databasePath)!);
        return new Bell(Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(databasePath)}.{name}.bell"));
    }

    /// <summary>The folder of the bells of the databases in a folder.</summary>
    public static string FolderIn(string folder) => Path.Combine(folder, "bells");

    /// <summary>Wakes those who wait. Never fails: they look by themselves, only later.</summary>
    public void Ring()
    {
        try
        {
            lock (_gate)
            {
                if (_disposed) return;
                RandomAccess.Write(_file ??= Open(), [0], 0);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            WakeWaiters();
        }
    }

    /// <summary>Ends at the next ring. Ask for it before looking, or a ring in between is missed.</summary>
    public Task NextRing()
    {
        Watch();
        return Volatile.Read(ref _next).Task;
    }

    /// <summary>Wakes those who wait in this process, and stops listening.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _watcher?.Dispose();
            _file?.Dispose();
        }

        WakeWaiters();
    }

    // Only those who wait need a watcher, and the system has few to give.
    private void Watch()
    {
        lock (_gate)
        {
            if (_watched || _disposed) return;
            _watched = true;
            try
            {
                _file ??= Open();
                _watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path))
                {
                    NotifyFilter = NotifyFilters.LastWrite,
                };
                _watcher.Changed += (_, _) => WakeWaiters();
                _watcher.Error += (_, _) => WakeWaiters();
                _watcher.EnableRaisingEvents = true;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException
                or ArgumentException or PlatformNotSupportedException)
            {
                _watcher?.Dispose();
                _watcher = null;
            }
        }
    }

    private SafeFileHandle Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return File.OpenHandle(
            path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
    }

    private void WakeWaiters() => Interlocked.Exchange(ref _next, NewRing()).TrySetResult();

    private static TaskCompletionSource NewRing() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
