namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// Decides whether a queue's missing file is made. At first it is made at once. A file that was there and went missing
/// is waited for, so that its owner can put it back and its loss is seen; then it is made anew.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="mayMake">False for who only joins in: one process makes a file.</param>
/// <param name="time">Measures how long it is missing.</param>
internal sealed class QueueFile(string path, bool mayMake, TimeProvider time)
{
    private static readonly TimeSpan MissedFor = TimeSpan.FromSeconds(10);

    private bool _wasThere;
    private long? _missingSince;

    /// <summary>Opens the file.</summary>
    /// <param name="open">Opens it, and makes it where that is asked.</param>
    /// <exception cref="IOException">It is missing.</exception>
    public T Open<T>(Func<bool, T> open)
    {
        var isThere = File.Exists(path);
        if (!isThere) MayBeMade();
        var opened = open(!isThere);
        (_wasThere, _missingSince) = (true, null);
        return opened;
    }

    private void MayBeMade()
    {
        if (!mayMake) throw new IOException($"{path} is missing");
        if (!_wasThere) return;
        var missing = time.GetElapsedTime(_missingSince ??= time.GetTimestamp());
        if (missing < MissedFor)
            throw new IOException($"{path} is gone. Put it back, or it is made anew in a few seconds");
        RemoveLeftovers(path);
    }

    /// <summary>Removes what SQLite kept beside a file that is lost: it belongs to no file any more, and would be taken
    /// for the new file's.</summary>
    public static void RemoveLeftovers(string path)
    {
        foreach (var leftover in new[] { $"{path}-wal", $"{path}-shm" }.Where(File.Exists)) File.Delete(leftover);
    }
}
