using System.Buffers;

namespace ImageClassifier.Adapters.Aws.Storage;

/// <summary>What a put holds of its content at once. It grows with the content, so that a small picture takes little,
/// up to one part of a multipart upload.</summary>
internal sealed class UploadBuffer : IDisposable
{
    /// <summary>One part; S3 asks for 5 MiB at least.</summary>
    public const int Capacity = 8 * 1024 * 1024;

    private const int FirstSize = 128 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstSize);

    /// <summary>The bytes that are in it.</summary>
    public int Length { get; private set; }

    /// <summary>Takes the next bytes in place of those that are in it.</summary>
    /// <returns>Whether it is full, so that there may be more; false at the content's end.</returns>
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

    /// <summary>The bytes that are in it, to be read again and again until the next fill.</summary>
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
