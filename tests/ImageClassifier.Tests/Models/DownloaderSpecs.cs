using System.Net;
using ImageClassifier.Host.Models;
using ImageClassifier.Streams;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Models;

/// <summary>Downloads from servers that break off, lie and lead astray.</summary>
public sealed class DownloaderSpecs : IDisposable
{
    private const int Size = 1_000_000;
    private const int Tries = 3;

    private static readonly byte[] Content = RandomBytes(Size, seed: 1);

    private readonly TemporaryFolder _folder = new();
    private readonly PartialFile _file;

    public DownloaderSpecs() => _file = new PartialFile(Path.Combine(_folder.Path, "file.part"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_download_reports_its_progress()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content));
        var reports = new List<TransferProgress>();

        await FetchAsync(server, report: reports.Add);

        AssertComplete();
        Assert.Equal(new TransferProgress(0, Size), reports[0]);
        Assert.Equal(new TransferProgress(Size, Size), reports[^1]);
        Assert.Equal(reports.OrderBy(report => report.Done), reports);
    }

    [Fact]
    public async Task A_broken_connection_is_resumed_where_it_broke()
    {
        await using var server = FileServer.Start(request => request.Start == 0
            ? FileReply.File(request, Content).CutAfter(400_000)
            : FileReply.File(request, Content));

        await FetchAsync(server);

        AssertComplete();
        Assert.Equal([0, 400_000], server.Requests.Select(request => request.Start));
        Assert.Equal("\"v1\"", server.Requests[1].Headers["If-Range"]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("W/\"v1\"")]
    public async Task Without_a_strong_tag_the_download_is_resumed_and_the_hash_decides(string? tag)
    {
        await using var server = FileServer.Start(request => request.Start == 0
            ? FileReply.File(request, Content, tag).CutAfter(400_000)
            : FileReply.File(request, Content, tag));

        await FetchAsync(server);

        AssertComplete();
        Assert.Equal(400_000, server.Requests[1].Start);
        Assert.False(server.Requests[1].Headers.ContainsKey("If-Range"));
    }

    [Fact]
    public async Task A_server_without_ranges_sends_all_again()
    {
        var calls = 0;
        await using var server = FileServer.Start(_ => calls++ == 0
            ? FileReply.Whole(Content).CutAfter(400_000)
            : FileReply.Whole(Content));

        await FetchAsync(server);

        AssertComplete();
        Assert.Equal(2, server.Requests.Length);
    }

    [Fact]
    public async Task Tries_that_bring_new_bytes_do_not_count()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content).CutAfter(100_000));

        await FetchAsync(server);

        AssertComplete();
        Assert.Equal(10, server.Requests.Length);
    }

    [Fact]
    public async Task A_later_run_resumes_the_file_of_an_earlier_one()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content).CutAfter(1000));
        await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server));
        var kept = (int)_file.Length;
        Assert.Equal(Tries * 1000, kept);

        server.Answer = request => FileReply.File(request, Content);
        await FetchAsync(server);

        AssertComplete();
        Assert.Equal(kept, server.Requests[^1].Start);
    }

    [Fact]
    public async Task A_file_that_changed_meanwhile_is_downloaded_from_its_start()
    {
        await using var server = FileServer.Start(
            request => FileReply.File(request, RandomBytes(Size, seed: 2), "\"old\"").CutAfter(9));
        await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server));

        server.Answer = request => FileReply.File(request, Content, "\"new\"");
        await FetchAsync(server);

        AssertComplete();
        Assert.Equal("\"new\"", _file.Tag);
    }

    [Fact]
    public async Task A_part_from_elsewhere_in_the_file_is_not_appended()
    {
        var calls = 0;
        await using var server = FileServer.Start(request => ++calls switch
        {
            1 => FileReply.File(request, Content).CutAfter(400_000),
            2 => FileReply.File(request.From(1), Content),
            _ => FileReply.File(request, Content),
        });

        await FetchAsync(server);

        AssertComplete();
        Assert.Equal([0, 400_000, 0], server.Requests.Select(request => request.Start));
    }

    [Fact]
    public async Task A_complete_file_of_unknown_size_is_not_downloaded_again()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content));
        await FetchAsync(server, bytes: null);
        await FetchAsync(server, bytes: null);

        AssertComplete();
        Assert.Equal([0, Size], server.Requests.Select(request => request.Start));
    }

    [Theory]
    [InlineData(Size - 1)]
    [InlineData(Size + 1)]
    public async Task A_file_of_another_size_is_refused_before_it_is_read(int expected)
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server, expected));

        Assert.Contains($"has {Size} bytes, but the model has {expected}", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
        Assert.Equal(0, _file.Length);
    }

    [Theory]
    [InlineData(Size - 1, Size)]
    [InlineData(null, Size - 1)]
    public async Task A_file_longer_than_it_may_be_is_cut_off(int? bytes, int maxBytes)
    {
        await using var server = FileServer.Start(_ => FileReply.WithoutLength(Content));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server, bytes, maxBytes));

        Assert.Contains($"has more than {Size - 1} bytes", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
        Assert.Equal(0, _file.Length);
    }

    [Fact]
    public async Task An_announced_size_above_the_limit_is_refused_before_it_is_read()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content));

        await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server, bytes: null, maxBytes: Size - 1));

        Assert.False(File.Exists(_file.Path));
    }

    [Fact]
    public async Task A_file_that_ends_early_without_a_length_is_resumed()
    {
        await using var server = FileServer.Start(request => request.Start == 0
            ? FileReply.WithoutLength(Content[..400_000])
            : FileReply.File(request, Content));

        await FetchAsync(server);

        AssertComplete();
    }

    [Theory]
    [InlineData("503 Service Unavailable")]
    [InlineData("429 Too Many Requests")]
    [InlineData("500 Internal Server Error")]
    public async Task A_busy_server_is_tried_again(string status)
    {
        var calls = 0;
        await using var server = FileServer.Start(request =>
            ++calls < Tries ? FileReply.Status(status) : FileReply.File(request, Content));
        await FetchAsync(server);
        AssertComplete();

        _file.Delete();
        server.Answer = _ => FileReply.Status(status);
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server));
        Assert.Contains(status, failure.Message, StringComparison.Ordinal);
        Assert.Equal(2 * Tries, server.Requests.Length);
    }

    [Theory]
    [InlineData("404 Not Found", "no such file")]
    [InlineData("403 Forbidden", "does not allow")]
    [InlineData("204 No Content", "no file")]
    public async Task A_refusal_is_final(string status, string reason)
    {
        await using var server = FileServer.Start(_ => FileReply.Status(status));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => FetchAsync(server, path: "/model?token=secret"));

        Assert.Contains(status, failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_falls_silent_is_given_up(bool beforeTheHead)
    {
        var never = new TaskCompletionSource().Task;
        await using var server = FileServer.Start(request => beforeTheHead
            ? new FileReply("", default, never)
            : FileReply.File(request, Content).CutAfter(10) with { Until = never });

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => FetchAsync(server, silence: TimeSpan.FromMilliseconds(100)));

        Assert.Contains("sent nothing for 0.1 s", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Tries, server.Requests.Length);
    }

    [Fact]
    public async Task A_cancelled_download_keeps_its_bytes()
    {
        var never = new TaskCompletionSource().Task;
        await using var server = FileServer.Start(request =>
            FileReply.File(request, Content).CutAfter(400_000) with { Until = never });
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FetchAsync(
            server, report: progress => { if (progress.Done == 400_000) stop.Cancel(); }, cancellation: stop.Token));

        Assert.Equal(400_000, _file.Length);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named()
    {
        var server = FileServer.Start(_ => FileReply.Status("200 OK"));
        var address = server.Address("/");
        await server.DisposeAsync();

        using var http = Downloader.CreateClient();
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(address, http, allowsHttp: true));

        Assert.Contains("the connection to 127.0.0.1 failed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("HTTPS_PROXY", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirects_are_followed_to_the_file()
    {
        await using var server = FileServer.StartEncrypted(request => FileReply.File(request, Content).CutAfter(600_000));
        await using var first = FileServer.StartEncrypted(_ => FileReply.Redirect(server.Address("/there")));
        using var http = ClientOf(first, server);

        await FetchAsync(first.Address("/here"), http);

        AssertComplete();
        Assert.Equal([0, 600_000], server.Requests.Select(request => request.Start));
        Assert.Equal(2, first.Requests.Length);
    }

    [Fact]
    public async Task Http_is_refused_unless_allowed()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, Content));
        using var http = Downloader.CreateClient();

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server.Address("/"), http));
        Assert.Contains("--allow-http", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsWrongUse);
        Assert.Empty(server.Requests);

        await FetchAsync(server.Address("/"), http, allowsHttp: true);
        AssertComplete();
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/model.onnx")]
    [InlineData("file:///etc/passwd")]
    public async Task Other_protocols_are_refused(string address)
    {
        using var http = Downloader.CreateClient();
        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => FetchAsync(new Uri(address), http, allowsHttp: true));
        Assert.True(failure.IsWrongUse);
    }

    [Fact]
    public async Task A_redirect_never_leaves_encryption()
    {
        await using var open = FileServer.Start(request => FileReply.File(request, Content));
        await using var server = FileServer.StartEncrypted(_ => FileReply.Redirect(open.Address("/")));
        using var http = ClientOf(server);

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => FetchAsync(server.Address("/"), http, allowsHttp: true));

        Assert.Contains("not encrypted", failure.Message, StringComparison.Ordinal);
        Assert.Empty(open.Requests);
    }

    [Fact]
    public async Task A_circle_of_redirects_ends()
    {
        await using var server = FileServer.Start(_ => FileReply.Status("500 Not Ready"));
        server.Answer = _ => FileReply.Redirect(server.Address("/again"));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server));

        Assert.Contains("more than 10 times", failure.Message, StringComparison.Ordinal);
        Assert.Equal(11, server.Requests.Length);
    }

    [Fact]
    public async Task A_proxy_that_refuses_is_final()
    {
        await using var proxy = FileServer.Start(_ => FileReply.Status("403 Forbidden"));
        using var http = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy(proxy.Address("/")) });

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => FetchAsync(new Uri("https://models.example/model.onnx"), http));

        Assert.Contains("The proxy did not connect to models.example", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["models.example:443"], proxy.Requests.Select(request => request.Path));
    }

    [Fact]
    public async Task An_unknown_certificate_is_refused_at_once()
    {
        await using var server = FileServer.StartEncrypted(request => FileReply.File(request, Content));
        using var http = Downloader.CreateClient();

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => FetchAsync(server.Address("/"), http));

        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    private async Task FetchAsync(
        FileServer server,
        long? bytes = Size,
        long maxBytes = Size,
        string path = "/file",
        TimeSpan? silence = null,
        Action<TransferProgress>? report = null,
        CancellationToken cancellation = default)
    {
        using var http = Downloader.CreateClient();
        await Create(http, allowsHttp: true, silence).FetchAsync(
            new Download(server.Address(path), _file, bytes, maxBytes), report ?? (_ => { }), cancellation);
    }

    private Task FetchAsync(Uri address, HttpClient http, bool allowsHttp = false) =>
        Create(http, allowsHttp).FetchAsync(new Download(address, _file, Size, Size), _ => { }, default);

    private static Downloader Create(HttpClient http, bool allowsHttp, TimeSpan? silence = null) => new(
        http,
        new DownloadLimits(
            silence ?? TimeSpan.FromMinutes(1),
            new RetryPolicy(Tries, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2))),
        allowsHttp,
        TimeProvider.System);

    // The same client, but with trust in the certificates of some servers.
    private static HttpClient ClientOf(params FileServer[] servers) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => servers.Any(server => server.Has(shown)) },
    });

    private void AssertComplete() => Assert.Equal(Content, File.ReadAllBytes(_file.Path));

    private static byte[] RandomBytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
