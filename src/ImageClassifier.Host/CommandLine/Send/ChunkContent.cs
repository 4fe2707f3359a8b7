using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The multipart form of a chunk. It opens one file at a time, and streams it from the disk.</summary>
internal sealed class ChunkContent : HttpContent
{
    private const int BufferSize = 64 << 10;

    private readonly string _boundary = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly IReadOnlyList<ChunkFile> _files;
    private readonly Action<long> _sent;
    private readonly byte[] _end;

    /// <param name="files">The files.</param>
    /// <param name="sent">Called with the number of bytes of files, each time some were sent.</param>
    public ChunkContent(IReadOnlyList<ChunkFile> files, Action<long> sent)
    {
        (_files, _sent) = (files, sent);
        _end = Encoding.ASCII.GetBytes($"--{_boundary}--\r\n");
        Headers.ContentType = new MediaTypeHeaderValue("multipart/form-data");
        Headers.ContentType.Parameters.Add(new NameValueHeaderValue("boundary", _boundary));
    }

    /// <inheritdoc />
    protected override bool TryComputeLength(out long length)
    {
        length = _end.Length + _files.Sum(file => HeadOf(file).Length + file.Size + LineEnd.Length);
        return true;
    }

    /// <inheritdoc />
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc />
    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        foreach (var file in _files)
        {
            await stream.WriteAsync(HeadOf(file), cancellationToken);
            await CopyAsync(file, stream, buffer, cancellationToken);
            await stream.WriteAsync(LineEnd, cancellationToken);
        }

        await stream.WriteAsync(_end, cancellationToken);
    }

    private static ReadOnlyMemory<byte> LineEnd { get; } = "\r\n"u8.ToArray();

    private async Task CopyAsync(ChunkFile file, Stream to, byte[] buffer, CancellationToken cancellation)
    {
        await using var from = Open(file);
        var left = file.Size;
        for (int read; (read = await from.ReadAsync(buffer, cancellation)) > 0; left -= read)
        {
            if (read > left) break;
            await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
            _sent(read);
        }

        // The length of the request was promised, so it can only be begun again.
        if (left != 0) throw new IOException($"{file.Shown} changed while it was sent");
    }

    private static FileStream Open(ChunkFile file)
    {
        try
        {
            return new FileStream(
                file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, useAsync: true);
        }
        catch (UnauthorizedAccessException denied)
        {
            // It could be read when the request was made. The next try leaves it out.
            throw new IOException(denied.Message, denied);
        }
    }

    private byte[] HeadOf(ChunkFile file) => Encoding.UTF8.GetBytes(
        $"--{_boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{NameOf(file)}\"\r\n"
        + "Content-Type: application/octet-stream\r\n\r\n");

    // As browsers escape names. The service keeps a backslash for a folder.
    private static string NameOf(ChunkFile file) => Path.GetFileName(file.Path)
        .Replace("\"", "%22", StringComparison.Ordinal)
        .Replace("\\", "%5C", StringComparison.Ordinal)
        .Replace("\r", "%0D", StringComparison.Ordinal)
        .Replace("\n", "%0A", StringComparison.Ordinal);
}
