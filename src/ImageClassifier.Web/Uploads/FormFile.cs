using System.Buffers;
using System.Security.Cryptography;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Uploads;

/// <summary>One file of a request. Only its first bytes have been read, or none if it is a reference.</summary>
/// <param name="name">The client's name for the file; null if it sent none.</param>
/// <param name="head">The first bytes.</param>
/// <param name="body">The rest of the bytes.</param>
internal sealed class FormFile(string? name, ReadOnlyMemory<byte> head, HashedBody body) : IDisposable
{
    /// <summary>The client's name for the file; null if it sent none.</summary>
    public string? Name => name;

    /// <summary>The name for display.</summary>
    public string ShownName { get; } = name is null ? FileNames.NoName : FileNames.ForShowing(name);

    /// <summary>The first bytes; empty for an empty file.</summary>
    public ReadOnlyMemory<byte> Head => head;

    /// <summary>The bytes after the head.</summary>
    public Stream Rest => body;

    /// <summary>The job of a file that is only named by a reference; null for a file with bytes.</summary>
    public ManifestJob? Referenced { get; private init; }

    /// <summary>Creates a file without bytes.</summary>
    /// <param name="job">The job of its reference.</param>
    public static FormFile Of(ManifestJob job) =>
        new(job.FileName, ReadOnlyMemory<byte>.Empty, new HashedBody(Stream.Null)) { Referenced = job };

    /// <summary>What identifies the file. Reads it to its end.</summary>
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    public async Task<SentFile> IdentifyAsync(CancellationToken cancellation) =>
        Referenced?.Sent ?? new SentFile(ShownName, await FinishAsync(cancellation).ConfigureAwait(false));

    /// <summary>Reads the file to its end.</summary>
    /// <returns>The SHA-256 of the whole file: 64 lower-case hexadecimal digits.</returns>
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    public Task<string> FinishAsync(CancellationToken cancellation) => body.FinishAsync(cancellation);

    /// <inheritdoc />
    public void Dispose() => body.Dispose();
}

/// <summary>The body of a form part. It hashes the bytes that are read. Its exceptions tell a failed request from a
/// failed store.</summary>
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

    /// <summary>Reads the rest. Call it once, as the last read.</summary>
    /// <returns>The SHA-256 of the part: 64 lower-case hexadecimal digits.</returns>
    public async Task<string> FinishAsync(CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (await ReadAsync(buffer, cancellation).ConfigureAwait(false) > 0)
            {
                // Each read adds to the hash.
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

/// <summary>The request's body can be read, but not used.</summary>
/// <param name="problem">The answer.</param>
internal sealed class RefusedBodyException(IResult problem) : Exception
{
    public IResult Problem => problem;
}
