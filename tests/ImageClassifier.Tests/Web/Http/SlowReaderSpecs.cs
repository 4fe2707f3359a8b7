using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>A client that stops reading soon loses its slot, and misses nothing when it reconnects.</summary>
public sealed partial class SlowReaderSpecs
{
    private const int Pictures = 20;

    // So much more than all buffers hold that sending blocks.
    private const int LabelLength = 1 << 20;
    private const int SmallBuffer = 4096;

    private const string Upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    [Theory]
    [InlineData("/ws?batch={0}", Upgrade)]
    [InlineData("/api/batches/{0}/events", "")]
    public async Task A_reader_that_stops_is_disconnected_and_can_resume(string address, string headers)
    {
        await using var tier = await RunningWebTier.StartAsync(
            "results.max-subscribers = 1",
            tier => tier with { Results = tier.Results with { SendTimeout = TimeSpan.FromSeconds(1) } });
        var upload = await tier.UploadAsync([.. Enumerable.Range(0, Pictures).Select(i => Upload.Jpeg($"{i}.jpg"))]);
        await tier.PublishAsync(upload, 0);

        using var slow = new TcpClient { ReceiveBufferSize = SmallBuffer };
        await slow.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
        var target = address.Replace("{0}", upload.Batch.Value, StringComparison.Ordinal);
        await slow.GetStream().WriteAsync(Encoding.Latin1.GetBytes(
            $"GET {target} HTTP/1.1\r\nHost: {tier.Address.Authority}\r\n{headers}\r\n"), tier.InTime);
        var last = await FirstEventIdAsync(slow.GetStream(), tier.InTime);
        Assert.False(await HasRoomAsync(tier, upload));

        for (var i = 1; i < Pictures; i++) await tier.PublishAsync(upload, i, new string('x', LabelLength));
        while (!await HasRoomAsync(tier, upload))
        {
            // It is still connected.
        }

        await AssertEndsAsync(slow.GetStream(), tier.InTime);
        Assert.Equal(
            [.. upload.Jobs.Skip(1).Select(job => job.Value), "complete"], await ReadOnAsync(tier, upload, last));
    }

    [Fact]
    public async Task A_stopping_service_sends_the_close_frame_after_the_message_to_a_slow_reader()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync([.. Enumerable.Range(0, Pictures).Select(i => Upload.Jpeg($"{i}.jpg"))]);
        for (var i = 0; i < Pictures; i++) await tier.PublishAsync(upload, i, new string('x', LabelLength));
        using var socket = await OpenWhenThereIsRoomAsync(
            tier, new Uri($"ws://{tier.Address.Authority}/ws?batch={upload.Batch}"));
        var buffer = new byte[1 << 16];
        await socket.ReceiveAsync(buffer.AsMemory(), tier.InTime);

        var stopping = tier.StopAsync();
        while (socket.CloseStatus is null) await socket.ReceiveAsync(buffer.AsMemory(), tier.InTime);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, tier.InTime);

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        await stopping.WaitAsync(tier.InTime);
    }

    [Fact]
    public async Task A_stopping_service_ends_an_event_stream_after_the_event_to_a_slow_reader()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync([.. Enumerable.Range(0, Pictures).Select(i => Upload.Jpeg($"{i}.jpg"))]);
        for (var i = 0; i < Pictures; i++) await tier.PublishAsync(upload, i, new string('x', LabelLength));
        using var answer = await tier.Client.GetAsync(
            $"/api/batches/{upload.Batch}/events", HttpCompletionOption.ResponseHeadersRead, tier.InTime);
        await using var stream = await answer.Content.ReadAsStreamAsync(tier.InTime);
        await stream.ReadExactlyAsync(new byte[1], tier.InTime);

        var stopping = tier.StopAsync();
        var rest = await new StreamReader(stream).ReadToEndAsync(tier.InTime);

        Assert.EndsWith("\n\n", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("event: complete", rest, StringComparison.Ordinal);
        await stopping.WaitAsync(tier.InTime);
    }

    private static async Task<bool> HasRoomAsync(RunningWebTier tier, AcceptedUpload upload)
    {
        using var answer = await tier.Client.GetAsync(
            $"/api/batches/{upload.Batch}/events", HttpCompletionOption.ResponseHeadersRead, tier.InTime);
        return answer.StatusCode == HttpStatusCode.OK;
    }

    private static async Task AssertEndsAsync(NetworkStream stream, CancellationToken cancellation)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null, cancellation);
        }
        catch (IOException)
        {
            // The connection was reset.
        }
    }

    private static async Task<string> FirstEventIdAsync(NetworkStream stream, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var buffer = new byte[256];
        while (true)
        {
            if (EventId().Match(text.ToString()) is { Success: true } match) return match.Groups[1].Value;
            var read = await stream.ReadAsync(buffer, cancellation);
            Assert.NotEqual(0, read);
            text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    /// <summary>The jobs of all events after one, in order, until the close frame.</summary>
    private static async Task<List<string>> ReadOnAsync(RunningWebTier tier, AcceptedUpload upload, string after)
    {
        var received = new List<string>();
        using var socket = await OpenWhenThereIsRoomAsync(
            tier, new Uri($"ws://{tier.Address.Authority}/ws?batch={upload.Batch}&after={after}"));
        var buffer = new byte[1 << 16];
        using var frame = new MemoryStream();
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, tier.InTime);
            if (part.MessageType == WebSocketMessageType.Close) return received;
            frame.Write(buffer, 0, part.Count);
            if (!part.EndOfMessage) continue;
            using var document = JsonDocument.Parse(frame.ToArray());
            var batchEvent = document.RootElement;
            received.Add(batchEvent.TryGetProperty("job", out var job) ? job.Word("jobId") : batchEvent.Word("type"));
            frame.SetLength(0);
        }
    }

    private static async Task<ClientWebSocket> OpenWhenThereIsRoomAsync(RunningWebTier tier, Uri address)
    {
        while (true)
        {
            var socket = new ClientWebSocket();
            try
            {
                await socket.ConnectAsync(address, tier.InTime);
                return socket;
            }
            catch (WebSocketException)
            {
                socket.Dispose();
            }
        }
    }

    [GeneratedRegex("\"id\":\"([^\"]+)\"")]
    private static partial Regex EventId();
}
