using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ImageClassifier.Tests.Models;

/// <summary>A web server of raw bytes on this machine. It can lie and break off, as no well-behaved server
/// would.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2? _certificate;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<FileRequest> _requests = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;

    private FileServer(X509Certificate2? certificate, Func<FileRequest, FileReply> answer)
    {
        _certificate = certificate;
        Answer = answer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Makes the answer of a request.</summary>
    public Func<FileRequest, FileReply> Answer { get; set; }

    /// <summary>The requests so far, in their order.</summary>
    public FileRequest[] Requests => [.. _requests];

    public static FileServer Start(Func<FileRequest, FileReply> answer) => new(null, answer);

    /// <summary>A server with a certificate that nobody trusts by default.</summary>
    public static FileServer StartEncrypted(Func<FileRequest, FileReply> answer) => new(SelfSigned(), answer);

    /// <summary>True if a certificate is that of this server.</summary>
    public bool Has(X509Certificate? certificate) => _certificate is not null && _certificate.Equals(certificate);

    public Uri Address(string path)
    {
        var scheme = _certificate is null ? "http" : "https";
        return new($"{scheme}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}{path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_connections).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _certificate?.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true) _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            await using var stream = await OpenAsync(client);
            using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
            var lines = new List<string>();
            while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line) lines.Add(line);
            if (lines.Count == 0) return;
            var request = new FileRequest(
                lines[0].Split(' ')[1],
                lines.Skip(1).Select(line => line.Split(": ", 2))
                    .ToDictionary(parts => parts[0], parts => parts[1], StringComparer.OrdinalIgnoreCase));
            _requests.Enqueue(request);
            var reply = Answer(request);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(reply.Head), _stop.Token);
            await stream.WriteAsync(reply.Body, _stop.Token);
            await stream.FlushAsync(_stop.Token);
            if (reply.Until is { } until) await until.WaitAsync(_stop.Token);
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client)
    {
        if (_certificate is null) return client.GetStream();
        var encrypted = new SslStream(client.GetStream());
        await encrypted.AuthenticateAsServerAsync(_certificate);
        return encrypted;
    }

    private static X509Certificate2 SelfSigned()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}

/// <summary>A request for a file.</summary>
internal sealed record FileRequest(string Path, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The first wanted byte; 0 without a range.</summary>
    public int Start => Headers.TryGetValue("Range", out var range)
        ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture)
        : 0;

    /// <summary>The same request for another part.</summary>
    public FileRequest From(int start) => this with
    {
        Headers = new Dictionary<string, string>(Headers, StringComparer.OrdinalIgnoreCase)
        {
            ["Range"] = $"bytes={start}-",
        },
    };
}

/// <summary>An answer, byte by byte.</summary>
/// <param name="Head">The status line and the headers.</param>
/// <param name="Body">The body. It may be shorter or longer than the head says.</param>
/// <param name="Until">The connection stays open until then; null to close it at once.</param>
internal sealed record FileReply(string Head, ReadOnlyMemory<byte> Body, Task? Until = null)
{
    /// <summary>A file as an honest server sends it, with ranges.</summary>
    public static FileReply File(FileRequest request, byte[] content, string? tag = "\"v1\"")
    {
        var isSame = !request.Headers.TryGetValue("If-Range", out var wanted) || wanted == tag;
        if (request.Start == 0 || !isSame) return Whole(content, tag);
        return request.Start < content.Length
            ? new FileReply(
                Lines(
                    "206 Partial Content", tag, $"Content-Length: {content.Length - request.Start}",
                    $"Content-Range: bytes {request.Start}-{content.Length - 1}/{content.Length}"),
                content.AsMemory(request.Start))
            : new FileReply(
                Lines("416 Range Not Satisfiable", tag, "Content-Length: 0", $"Content-Range: bytes */{content.Length}"),
                default);
    }

    /// <summary>The whole file, whatever was asked for.</summary>
    public static FileReply Whole(byte[] content, string? tag = "\"v1\"") =>
        new(Lines("200 OK", tag, $"Content-Length: {content.Length}"), content);

    /// <summary>A file that ends with its connection.</summary>
    public static FileReply WithoutLength(byte[] content) => new(Lines("200 OK", null), content);

    public static FileReply Status(string status) => new(Lines(status, null, "Content-Length: 0"), default);

    public static FileReply Redirect(Uri to) =>
        new(Lines("302 Found", null, $"Location: {to}", "Content-Length: 0"), default);

    /// <summary>The same answer, cut off after some bytes of the body.</summary>
    public FileReply CutAfter(int bytes) => this with { Body = Body[..Math.Min(bytes, Body.Length)] };

    private static string Lines(string status, string? tag, params string[] headers) =>
        $"HTTP/1.1 {status}\r\n"
        + string.Concat(headers.Append("Connection: close").Concat(tag is null ? [] : [$"ETag: {tag}"])
            .Select(header => $"{header}\r\n"))
        + "\r\n";
}
