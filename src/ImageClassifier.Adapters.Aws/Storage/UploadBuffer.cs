using System.Buffers;

namespace ImageClassifier.Adapters.Aws.Storage;

/// <summary>The bytes of a put's content that are in memory at once: up to one part of a multipart upload. It grows
/// with the content, so that a small picture takes little memory.</summary>
internal sealed class UploadBuffer : IDisposable
{
    /// <summary>The size of a part. S3 wants at least 5 MiB.</summary>
    public const int Capacity = 8 * 1024 * 1024;

    private const int FirstSize = 128 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstSize);

    /// <summary>The number of its bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Replaces its bytes by the next ones of the content.</summary>
    /// <returns>True if it is full, so that the content may go on; false at the content's end.</returns>
    public async Task<bool> FillAsync(Stream content, CancellationToken cancellation)
    {
        Length = 0;
        while (Length < Capacity)
        {
            if (Length == _bytes.Length) Grow();
            var room = Math.Min(_bytes.Length, Capacity) - Length;
            var read = await content.ReadAsync(_bytes.AsMemory(Length, room), cancellation);
            if (read == 0) return false;
            Length += read;
        }

        return true;
    }

    /// <summary>A stream of its bytes. It is valid until the next fill.</summary>
    public MemoryStream Open() => new(_bytes, 0, Length, writable: false);

    /// <inheritdoc />
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(_bytes.Length * 2, Capacity));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
