namespace ImageClassifier.Web.Uploads;

/// <summary>One picture on its way from the request to the store: what was read ahead of it, then the rest, up to a
/// limit. It tells failures of the request from failures of the store.</summary>
internal sealed class PictureStream(ReadOnlyMemory<byte> head, Stream rest, long maxBytes) : ForwardStream
{
    private ReadOnlyMemory<byte> _head = head;
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = _head.Length > 0 ? ReadHead(buffer) : await ReadRestAsync(buffer, cancellationToken).ConfigureAwait(false);
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

    private async ValueTask<int> ReadRestAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            return await rest.ReadAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new RequestBodyException(failure);
        }
    }
}

/// <summary>The picture has more bytes than a picture may have.</summary>
internal sealed class PictureTooLargeException : Exception;

/// <summary>The request's body cannot be read to its end.</summary>
internal sealed class RequestBodyException(Exception cause) : Exception(cause.Message, cause);
