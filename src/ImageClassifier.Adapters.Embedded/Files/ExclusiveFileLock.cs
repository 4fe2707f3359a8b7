namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>
/// An exclusive lock on a file. The operating system ties it to the open file, so it is free the moment its holder is
/// gone, however that ended. It excludes other processes and other holders in this one alike.
/// </summary>
public sealed class ExclusiveFileLock : IDisposable
{
    private readonly FileStream _file;

    private ExclusiveFileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, and creates the file where it is missing.</summary>
    /// <returns>Null when someone else holds it.</returns>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    /// <exception cref="DirectoryNotFoundException">Its folder is missing.</exception>
    public static ExclusiveFileLock? TryTake(string path)
    {
        var taken = TryOpen(path, FileMode.OpenOrCreate);
        if (taken is null || File.Exists(path)) return taken;

        // Retention removed the file between opening and locking it: the lock is on a file that no one else can find.
        taken.Dispose();
        return null;
    }

    /// <summary>Whether no one holds the lock. Looking holds it for a moment, so whoever takes it tries again for
    /// a while.</summary>
    public static bool IsFree(string path)
    {
        using var taken = TryOpen(path, FileMode.Open);
        return taken is not null || !File.Exists(path);
    }

    /// <summary>Removes a lock file that no one holds.</summary>
    /// <returns>Whether it is gone.</returns>
    public static bool TryRemove(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            using var taken = TryOpen(path, FileMode.Open);
            if (taken is null) return !File.Exists(path);
            File.Delete(path);
            return true;
        }

        // Windows deletes no open file, which is protection enough: a held lock is an open file.
        try
        {
            File.Delete(path);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Releases the lock; the file stays.</summary>
    public void Dispose() => _file.Dispose();

    private static ExclusiveFileLock? TryOpen(string path, FileMode mode)
    {
        try
        {
            return new ExclusiveFileLock(
                new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
        }
        catch (IOException failure) when (failure is not DirectoryNotFoundException || mode == FileMode.Open)
        {
            return null;
        }
    }
}
