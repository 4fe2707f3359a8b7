using ImageClassifier.Adapters.Embedded.Files;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>Shows which web nodes share a data folder. Each holds a lock file while it runs, however it ends.</summary>
public sealed class WebNodeLock : IDisposable
{
    private readonly EmbeddedLayout _layout;
    private readonly string _path;
    private readonly ExclusiveFileLock _held;

    private WebNodeLock(EmbeddedLayout layout, string path, ExclusiveFileLock held)
    {
        _layout = layout;
        _path = path;
        _held = held;
    }

    /// <summary>Takes a lock for this process.</summary>
    /// <exception cref="IOException">The data folder cannot be used.</exception>
    public static WebNodeLock Take(EmbeddedLayout layout)
    {
        while (true)
        {
            var path = Path.Combine(layout.Instances, OwnFileNames.NewWebNodeLock());
            // Another web node may remove a new file before it is locked.
            if (ExclusiveFileLock.TryTake(path) is { } held) return new WebNodeLock(layout, path, held);
        }
    }

    /// <summary>True if any web node runs on the data folder.</summary>
    public static bool IsAnyHeld(EmbeddedLayout layout) => IsAnyHeld(layout, except: null);

    /// <summary>True if another web node runs on the data folder.</summary>
    public bool IsShared() => IsAnyHeld(_layout, _path);

    /// <summary>Releases the lock and removes its file.</summary>
    public void Dispose()
    {
        _held.Dispose();
        ExclusiveFileLock.TryRemove(_path);
    }

    // Removes the files of web nodes that were killed.
    private static bool IsAnyHeld(EmbeddedLayout layout, string? except) =>
        Directory.EnumerateFiles(layout.Instances)
            .Where(path => path != except && OwnFileNames.IsWebNodeLock(Path.GetFileName(path)))
            .ToArray()
            .Any(path => !ExclusiveFileLock.TryRemove(path));
}
