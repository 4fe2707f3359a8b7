using Microsoft.Win32.SafeHandles;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>
/// Notifies processes that a shared database has changed. Ringing writes to a file, and file watchers see it within
/// about a millisecond. A ring can be lost (no watcher could be created, a buffer overflowed), so waiters also poll.
/// </summary>
/// <param name="path">The file of the bell. Its folder holds only bells, because a watcher sees every change
/// there.</param>
internal sealed class Bell(string path) : IDisposable
{
    // Some file systems tell watchers nothing. Until a first ring is heard, waiters poll as if the bell were dumb.
    private static readonly TimeSpan PollOfTheDeaf = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PollOfTheHearing = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private TaskCompletionSource _next = NewRing();
    private SafeFileHandle? _file;
    private FileSystemWatcher? _watcher;
    private bool _watched;
    private volatile bool _isHeard;
    private bool _disposed;

    /// <summary>How long a waiter may wait until it looks without a ring. A ring can be lost.</summary>
    public TimeSpan PollInterval => _isHeard ? PollOfTheHearing : PollOfTheDeaf;

    /// <summary>The bell of a database, or of one queue in a database.</summary>
    public static Bell For(string databasePath, string name)
    {
        var folder = FolderIn(Path.GetDirectoryName(databasePath)!);
        return new Bell(Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(databasePath)}.{name}.bell"));
    }

    /// <summary>The folder for the bells of the databases in a folder.</summary>
    public static string FolderIn(string folder) => Path.Combine(folder, "bells");

    /// <summary>Wakes the waiters. Never fails: after a failure they find the change later, by polling.</summary>
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

    /// <summary>Completes at the next ring. Call it before reading the database, or a ring in between is
    /// lost.</summary>
    public Task NextRing()
    {
        Watch();
        return Volatile.Read(ref _next).Task;
    }

    /// <summary>Wakes the waiters of this process and stops watching.</summary>
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

    // Created only for waiters, because the system limits the number of watchers.
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
                _watcher.Changed += (_, _) =>
                {
                    _isHeard = true;
                    WakeWaiters();
                };
                _watcher.Error += (_, _) => WakeWaiters();
                _watcher.EnableRaisingEvents = true;
                RandomAccess.Write(_file, [0], 0);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException
                or ArgumentException or PlatformNotSupportedException)
            {
                _watcher?.Dispose();
                _watcher = null;
                _isHeard = false;
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
