using ImageClassifier.Web.Edge;

namespace ImageClassifier.Web.Uploads;

/// <summary>Streams one picture from the request to the store: first the bytes that were read ahead, then the rest, up
/// to a limit.</summary>
internal sealed class PictureStream(ReadOnlyMemory<byte> head, Stream rest, long maxBytes) : ForwardStream
{
    private ReadOnlyMemory<byte> _head = head;
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = _head.Length > 0
            ? ReadHead(buffer)
            : await rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        _count += read;
        if (_count > maxBytes) throw new PictureTooLargeException();
        return read;
    }

    private int ReadHead(Memory<byte> buffer)
    {
        var read = Math.Min(_head.Length, buffer.Length);
        _head[..read].CopyTo(buffer);
        _head = _head[read..];
        return read;
    }
}

/// <summary>The picture exceeds the size limit.</summary>
internal sealed class PictureTooLargeException : Exception;
