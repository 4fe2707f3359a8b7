using System.Security.Cryptography;
using ImageClassifier.Core.Registry;

namespace ImageClassifier.Host.Models;

/// <summary>The content of a file on its way to the registry. A file that changed since it was hashed fails the upload: nodes
/// would refuse the model.</summary>
/// <param name="content">The content, which this stream owns.</param>
/// <param name="file">The size and the hash that it must have.</param>
/// <param name="report">Receives the number of bytes that were read.</param>
internal sealed class PushedFileStream(Stream content, PushedFile file, Action<long> report) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _read;

    /// <inheritdoc />
    public override bool CanRead => true;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override bool CanWrite => false;

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc />
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await content.ReadAsync(buffer, cancellationToken);
        Take(buffer.Span[..count], isEnd: count == 0 && buffer.Length > 0);
        return count;
    }

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = content.Read(buffer, offset, count);
        Take(buffer.AsSpan(offset, read), isEnd: read == 0 && count > 0);
        return read;
    }

    /// <inheritdoc />
    public override void Flush()
    {
    }

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Take(ReadOnlySpan<byte> bytes, bool isEnd)
    {
        _hash.AppendData(bytes);
        _read += bytes.Length;
        if (isEnd && Convert.ToHexStringLower(_hash.GetCurrentHash()) != file.Sha256)
        {
            throw new ModelFailureException(
                $"{file.Path} changed while the model was pushed. Wait until nobody writes to the directory, and run the "
                + "command again.");
        }

        report(_read);
    }
}
