using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.DeadLetters;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

public sealed class WebSocketSpecs
{
    [Fact]
    public async Task Results_arrive_as_frames_and_the_server_closes_after_the_last()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        using var socket = await OpenAsync(tier, $"batch={upload.Batch}");
        await tier.PublishAsync(upload, 1, "dog");
        var first = await ReadAsync(tier, socket);
        Assert.Equal("result", first!.Value.Word("type"));
        Assert.Equal(upload.Jobs[1].Value, first.Value.GetProperty("job").Word("jobId"));
        Assert.Equal("dog", first.Value.GetProperty("job").GetProperty("predictions")[0].Word("label"));
        await tier.PublishAsync(upload, 0);

        Assert.Equal("a.jpg", (await ReadAsync(tier, socket))!.Value.GetProperty("job").Word("fileName"));
        Assert.Equal("complete", (await ReadAsync(tier, socket))!.Value.Word("type"));
        Assert.Null(await ReadAsync(tier, socket));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task A_client_resumes_after_its_last_event()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        var all = await ReadAllAsync(tier, $"batch={upload.Batch}");
        Assert.Equal(3, all.Length);

        Assert.Equal(all[1..], await ReadAllAsync(tier, $"batch={upload.Batch}&after={all[0]}"));
        Assert.Empty(await ReadAllAsync(tier, $"batch={upload.Batch}&after={all[2]}"));
        Assert.Equal(all, await ReadAllAsync(tier, $"batch={upload.Batch}&after=other-1"));
    }

    [Fact]
    public async Task A_redriven_jobs_further_result_reaches_old_and_new_subscribers()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        using var socket = await OpenAsync(tier, $"batch={upload.Batch}");
        await FailAndRedriveAsync(tier, upload, 0);
        var failed = await ReadAsync(tier, socket);
        Assert.Equal("failed", failed!.Value.GetProperty("job").Word("status"));

        await tier.PublishAsync(upload, 0, "dog", attempt: 2);
        var classified = await ReadAsync(tier, socket);
        Assert.Equal(upload.Jobs[0].Value, classified!.Value.GetProperty("job").Word("jobId"));
        Assert.Equal("classified", classified.Value.GetProperty("job").Word("status"));
        await FailAndRedriveAsync(tier, upload, 1);
        Assert.Equal("failed", (await ReadAsync(tier, socket))!.Value.GetProperty("job").Word("status"));
        var end = await ReadAsync(tier, socket);
        Assert.Equal("complete", end!.Value.Word("type"));
        Assert.Null(await ReadAsync(tier, socket));

        await tier.PublishAsync(upload, 1, "cat", attempt: 2);
        string[] further = [];
        while (further.Length == 0) further = await ReadAllAsync(tier, $"batch={upload.Batch}&after={end.Value.Word("id")}");
        Assert.Equal(2, further.Length);
        var batch = await (await tier.Client.GetAsync($"/api/batches/{upload.Batch}", tier.InTime)).DocumentAsync();
        Assert.Equal((2, 0), (batch.Number("completed"), batch.Number("failed")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("batch=nonsense")]
    [InlineData("batch=00000000000000000000000000000000")]
    public async Task An_unknown_batch_is_404_before_the_upgrade(string query)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Address(tier, query), tier.InTime));
        Assert.Equal(HttpStatusCode.NotFound, socket.HttpStatusCode);
    }

    [Theory]
    [InlineData("https://elsewhere.example")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:1")]
    public async Task Pages_of_other_sites_are_403(string origin)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Origin", origin);
        await Assert.ThrowsAsync<WebSocketException>(
            () => socket.ConnectAsync(Address(tier, $"batch={upload.Batch}"), tier.InTime));
        Assert.Equal(HttpStatusCode.Forbidden, socket.HttpStatusCode);
    }

    [Theory]
    [InlineData("http://{host}")]
    [InlineData("https://pictures.example")]
    public async Task The_services_own_page_and_pages_of_allowed_sites_can_connect(string origin)
    {
        await using var tier = await RunningWebTier.StartAsync("access.allowed-origins = \"https://pictures.example\"");
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader(
            "Origin", origin.Replace("{host}", tier.Address.Authority, StringComparison.Ordinal));
        await socket.ConnectAsync(Address(tier, $"batch={upload.Batch}"), tier.InTime);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, tier.InTime);
    }

    [Fact]
    public async Task A_plain_request_is_426()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.GetAsync($"/ws?batch={BatchId.New()}");
        await answer.ProblemAsync(HttpStatusCode.UpgradeRequired, "websocket-expected");
        Assert.Equal("websocket", Assert.Single(answer.Headers.Upgrade).Name);
    }

    [Fact]
    public async Task A_deleted_batch_closes_its_sockets_with_4404()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var socket = await OpenAsync(tier, $"batch={upload.Batch}");
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}");
        Assert.Null(await ReadAsync(tier, socket));
        Assert.Equal(4404, (int)socket.CloseStatus!);
    }

    [Fact]
    public async Task A_stopping_service_closes_its_sockets_with_1001()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var socket = await OpenAsync(tier, $"batch={upload.Batch}");
        var stopping = tier.StopAsync();
        Assert.Null(await ReadAsync(tier, socket));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, tier.InTime);
        await stopping.WaitAsync(tier.InTime);
    }

    [Fact]
    public async Task A_service_that_stops_before_the_handshake_answers_503_with_a_retry_time()
    {
        await using var earlier = await RunningWebTier.StartAsync();
        var upload = await earlier.UploadAsync(Upload.Jpeg("a.jpg"));
        await using var tier = await RunningWebTier.StartAsync(store: earlier.Store);
        var isHeld = new TaskCompletionSource();
        tier.Store.Before = (_, key) =>
            key == ObjectKeys.Manifest(upload.Batch) ? isHeld.Task : Task.CompletedTask;
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        var connecting = socket.ConnectAsync(Address(tier, $"batch={upload.Batch}"), tier.InTime);
        // Not until the manifest is read: the outbox reads it too.
        await tier.UntilArrivedAsync("/ws");

        var stopping = tier.StopAsync();
        await Assert.ThrowsAsync<WebSocketException>(() => connecting);
        isHeld.SetResult();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, socket.HttpStatusCode);
        await stopping.WaitAsync(tier.InTime);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_disconnects_releases_its_slot(bool politely)
    {
        await using var tier = await RunningWebTier.StartAsync("results.max-subscribers = 1");
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using (var socket = await OpenAsync(tier, $"batch={upload.Batch}"))
        {
            using var refused = new ClientWebSocket();
            refused.Options.CollectHttpResponseDetails = true;
            await Assert.ThrowsAsync<WebSocketException>(
                () => refused.ConnectAsync(Address(tier, $"batch={upload.Batch}"), tier.InTime));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.HttpStatusCode);
            if (politely) await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, tier.InTime);
            else socket.Abort();
        }

        while (true)
        {
            using var answer = await tier.Client.GetAsync(
                $"/api/batches/{upload.Batch}/events", HttpCompletionOption.ResponseHeadersRead, tier.InTime);
            if (answer.StatusCode == HttpStatusCode.OK) break;
        }
    }

    // Masked frames, as clients send them: a text, an unfinished fragment, a ping.
    [Theory]
    [InlineData(0x81)]
    [InlineData(0x01)]
    [InlineData(0x89)]
    public async Task A_client_that_floods_its_socket_is_closed_with_1008(byte kind)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var client = new TcpClient();
        await client.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /ws?batch={upload.Batch} HTTP/1.1\r\nHost: {tier.Address.Authority}\r\nConnection: Upgrade\r\n"
            + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
            tier.InTime);
        while (await LineAsync(stream, tier.InTime) != "")
        {
        }

        byte[] first = [kind, 0x80, 0, 0, 0, 0];
        // The message continues in fragments.
        byte[] more = [kind == 0x01 ? (byte)0x00 : kind, 0x80, 0, 0, 0, 0];
        await stream.WriteAsync(first, tier.InTime);
        await stream.WriteAsync(Enumerable.Repeat(more, 2000).SelectMany(frame => frame).ToArray(), tier.InTime);

        while (true)
        {
            var head = new byte[2];
            await stream.ReadExactlyAsync(head, tier.InTime);
            var body = new byte[head[1]];
            await stream.ReadExactlyAsync(body, tier.InTime);
            if ((head[0] & 0x0F) != 8) continue;
            Assert.Equal(1008, BinaryPrimitives.ReadUInt16BigEndian(body));
            break;
        }
    }

    [Fact]
    public async Task A_client_that_sends_little_keeps_its_socket()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        using var socket = await OpenAsync(tier, $"batch={upload.Batch}");
        for (var i = 0; i < 50; i++)
            await socket.SendAsync("ping"u8.ToArray(), WebSocketMessageType.Text, true, tier.InTime);
        await tier.PublishAsync(upload, 0);
        Assert.Equal("result", (await ReadAsync(tier, socket))!.Value.Word("type"));
    }

    /// <summary>Publishes a job's final failure, and redrives it.</summary>
    private static async Task FailAndRedriveAsync(RunningWebTier tier, AcceptedUpload upload, int picture)
    {
        var request = Jobs.Request(upload.Batch, upload.Jobs[picture]);
        await tier.PublishAsync(Jobs.Failed(request, JobErrorCodes.TooManyAttempts));
        var dead = new FakeMessageQueue(TimeProvider.System);
        dead.Put(WireJson.Write(request), request.Job.Value);
        var outcome = Assert.Single(
            await new DeadRequests(dead, tier.Requests, tier.Store).RedriveAsync([request.Job], tier.InTime));
        Assert.Equal((LetterFate.Redriven, 2), (outcome.Fate, outcome.Attempt));
    }

    private static Uri Address(RunningWebTier tier, string query) => new($"ws://{tier.Address.Authority}/ws?{query}");

    private static async Task<ClientWebSocket> OpenAsync(RunningWebTier tier, string query)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(Address(tier, query), tier.InTime);
        return socket;
    }

    /// <summary>The ids of all events until the server closes with 1000.</summary>
    private static async Task<string[]> ReadAllAsync(RunningWebTier tier, string query)
    {
        using var socket = await OpenAsync(tier, query);
        var ids = new List<string>();
        while (await ReadAsync(tier, socket) is { } frame) ids.Add(frame.Word("id"));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        return [.. ids];
    }

    private static async Task<string> LineAsync(Stream stream, CancellationToken cancellation)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (one[0] != '\n')
        {
            await stream.ReadExactlyAsync(one, cancellation);
            line.Append((char)one[0]);
        }

        return line.ToString().TrimEnd();
    }

    /// <summary>The next frame; null if the server closes.</summary>
    private static async Task<JsonElement?> ReadAsync(RunningWebTier tier, ClientWebSocket socket)
    {
        using var frame = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, tier.InTime);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            Assert.Equal(WebSocketMessageType.Text, part.MessageType);
            frame.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonDocument.Parse(frame.ToArray()).RootElement;
        }
    }
}
