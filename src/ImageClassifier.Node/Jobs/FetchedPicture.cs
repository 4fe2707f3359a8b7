namespace ImageClassifier.Node.Jobs;

/// <summary>A picture that was fetched by its reference.</summary>
/// <param name="bytes">The bytes of the file.</param>
/// <param name="took">The time that the fetch took, with all its tries.</param>
/// <param name="disposed">Called once, when the picture is disposed of.</param>
internal sealed class FetchedPicture(PooledBytes bytes, TimeSpan took, Action disposed) : IDisposable
{
    private Action? _disposed = disposed;

    /// <summary>The bytes of the file.</summary>
    public PooledBytes Bytes => bytes;

    /// <summary>The time that the fetch took, with all its tries.</summary>
    public TimeSpan Took => took;

    /// <summary>Frees the memory. May be called more than once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, null) is not { } call) return;
        bytes.Dispose();
        call();
    }
}
