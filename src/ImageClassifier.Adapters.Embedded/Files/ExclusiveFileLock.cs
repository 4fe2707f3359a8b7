namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>
/// An exclusive lock on a file. It belongs to the open file, so the operating system frees it when its holder ends,
/// however it ended. It excludes other processes and other holders in this process.
/// </summary>
public sealed class ExclusiveFileLock : IDisposable
{
    private readonly FileStream _file;

    private ExclusiveFileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock. Creates a missing file.</summary>
    /// <returns>Null if the lock is held.</returns>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    /// <exception cref="DirectoryNotFoundException">Its folder is missing.</exception>
    public static ExclusiveFileLock? TryTake(string path)
    {
        var taken = TryOpen(path, FileMode.OpenOrCreate);
        if (taken is null || File.Exists(path)) return taken;

        // Retention deleted the file between opening and locking. So nobody else can find the locked file.
        taken.Dispose();
        return null;
    }

    /// <summary>True if the lock is free. The check holds the lock for a moment, so callers of <see cref="TryTake"/>
    /// retry for a while.</summary>
    public static bool IsFree(string path)
    {
        using var taken = TryOpen(path, FileMode.Open);
        return taken is not null || !File.Exists(path);
    }

    /// <summary>Deletes a lock file that is not held.</summary>
    /// <returns>True if the file is gone.</returns>
    public static bool TryRemove(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            using var taken = TryOpen(path, FileMode.Open);
            if (taken is null) return !File.Exists(path);
            File.Delete(path);
            return true;
        }

        // Windows does not delete an open file, and a held lock is an open file.
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

    /// <summary>Releases the lock. The file stays.</summary>
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
