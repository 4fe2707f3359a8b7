using System.Buffers;

namespace ImageClassifier.Node.Polling;

/// <summary>The bytes of a file, in an array of the shared pool.</summary>
internal sealed class PooledBytes(int size) : IDisposable
{
    private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(size);

    public Memory<byte> Writable => _bytes.AsMemory(0, size);

    public ReadOnlyMemory<byte> Memory => Writable;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes) ArrayPool<byte>.Shared.Return(bytes);
    }
}
