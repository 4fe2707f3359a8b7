using System.Buffers;
using System.Security.Cryptography;

namespace ImageClassifier.Web.Uploads;

/// <summary>One file of a form. Its first bytes are read; the rest is still to come.</summary>
/// <param name="name">What the client calls it; null where it came without a name.</param>
/// <param name="head">Its first bytes.</param>
/// <param name="body">What follows them.</param>
internal sealed class FormFile(string? name, ReadOnlyMemory<byte> head, HashedBody body) : IDisposable
{
    /// <summary>What the client calls it; null where it came without a name.</summary>
    public string? Name => name;

    /// <summary>Its name for showing.</summary>
    public string ShownName { get; } = name is null ? FileNames.Nameless : FileNames.ForShowing(name);

    /// <summary>Its first bytes; empty where the file is empty.</summary>
    public ReadOnlyMemory<byte> Head => head;

    /// <summary>What follows the head.</summary>
    public Stream Rest => body;

    /// <summary>Reads what has not been read.</summary>
    /// <returns>The SHA-256 of the whole file: 64 lower-case hexadecimal digits.</returns>
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    public Task<string> FinishAsync(CancellationToken cancellation) => body.FinishAsync(cancellation);

    /// <inheritdoc />
    public void Dispose() => body.Dispose();
}

/// <summary>The bytes of a part, hashed as they are read. It tells failures of the request from failures of the
/// store.</summary>
internal sealed class HashedBody(Stream part) : ForwardStream
{
    private const int BufferSize = 16 * 1024;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <inheritdoc />
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var read = await part.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            _hash.AppendData(buffer.Span[..read]);
            return read;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new RequestBodyException(failure);
        }
    }

    /// <summary>Reads what is left; called once, as the last.</summary>
    /// <returns>The SHA-256 of the part: 64 lower-case hexadecimal digits.</returns>
    public async Task<string> FinishAsync(CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (await ReadAsync(buffer, cancellation).ConfigureAwait(false) > 0)
            {
                // Reading is what hashes.
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>The request's body cannot be read to its end.</summary>
internal sealed class RequestBodyException(Exception cause) : Exception(cause.Message, cause);
