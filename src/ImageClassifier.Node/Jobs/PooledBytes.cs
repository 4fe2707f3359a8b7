using System.Buffers;

namespace ImageClassifier.Node.Jobs;

/// <summary>The bytes of a file, in an array of the shared pool.</summary>
internal sealed class PooledBytes(int size) : IDisposable
{
    private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(size);
    private int _size = size;

    public Memory<byte> Writable => _bytes.AsMemory(0, _size);

    public ReadOnlyMemory<byte> Memory => Writable;

    /// <summary>Changes the size. The first bytes stay, as far as there is room for them.</summary>
    public void Resize(int size)
    {
        if (size > _bytes!.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(size);
            Memory.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        _size = size;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes) ArrayPool<byte>.Shared.Return(bytes);
    }
}
