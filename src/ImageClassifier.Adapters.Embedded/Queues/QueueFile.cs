namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// Decides when a missing queue file is created: at first at once. If the file was there and went missing, its owner
/// gets time to put it back, and its loss is reported. After that time a new file is created.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="mayCreate">False for processes that only join, because one process creates the file.</param>
/// <param name="time">Measures how long the file is missing.</param>
internal sealed class QueueFile(string path, bool mayCreate, TimeProvider time)
{
    private static readonly TimeSpan WaitForReturn = TimeSpan.FromSeconds(10);

    private bool _wasThere;
    private long? _missingSince;

    /// <summary>Opens the file.</summary>
    /// <param name="open">Opens the file; creates it if its argument is true.</param>
    /// <exception cref="IOException">The file is missing.</exception>
    public T Open<T>(Func<bool, T> open)
    {
        var isThere = File.Exists(path);
        if (!isThere) EnsureMayCreate();
        var opened = open(!isThere);
        (_wasThere, _missingSince) = (true, null);
        return opened;
    }

    private void EnsureMayCreate()
    {
        if (!mayCreate) throw new IOException($"{path} is missing");
        if (!_wasThere) return;
        var missing = time.GetElapsedTime(_missingSince ??= time.GetTimestamp());
        if (missing < WaitForReturn)
            throw new IOException($"{path} is gone. Put it back, or a new file is created in a few seconds");
        RemoveLeftovers(path);
    }

    /// <summary>Deletes the files that SQLite kept beside a lost file. SQLite would take them for the new
    /// file's.</summary>
    public static void RemoveLeftovers(string path)
    {
        foreach (var leftover in new[] { $"{path}-wal", $"{path}-shm" }.Where(File.Exists)) File.Delete(leftover);
    }
}
