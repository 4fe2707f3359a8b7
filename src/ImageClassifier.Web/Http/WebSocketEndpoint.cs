using System.Net.WebSockets;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary><c>GET /ws?batch={batchId}&amp;after={eventId}</c>: a batch's events as JSON text frames.</summary>
/// <remarks>
/// Close codes: 1000 after the last event, 1001 when the service stops, 1008 when the client sends too much, 1013 when
/// the client should try again later, 4404 when the batch was deleted, 4500 when its record is damaged. A client that
/// is too slow is disconnected without a close frame, which would wait behind the unread events; a browser reports
/// 1006. It can resume like any other client.
/// </remarks>
internal sealed class WebSocketEndpoint(
    BatchFeed batches,
    SubscriberLimit subscribers,
    OriginCheck origins,
    ResultSettings results,
    UploadSettings uploads,
    IHostApplicationLifetime lifetime,
    TimeProvider time)
{
    private const WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;
    private const WebSocketCloseStatus BatchGone = (WebSocketCloseStatus)4404;
    private const WebSocketCloseStatus RecordDamaged = (WebSocketCloseStatus)4500;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Serves the socket to its end.</summary>
    public async Task<IResult> GetAsync(string? batch, string? after, HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            // RFC 9110, 15.5.22.
            (context.Response.Headers.Connection, context.Response.Headers.Upgrade) = ("Upgrade", "websocket");
            return Problems.WebSocketExpected();
        }

        if (origins.Refuse(context.Request) is { } problem) return problem;
        if (!BatchId.TryParse(batch, out var batchId)) return Problems.NoSuchBatch();
        using var slot = subscribers.TryEnter();
        if (!slot.IsAcquired) return Problems.Overloaded(uploads.RetryAfter);

        var sentTooMuch = context.Features.Get<IncomingLimit>()?.Exceeded ?? CancellationToken.None;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted, lifetime.ApplicationStopping, sentTooMuch);
        EventId? resumeAfter = EventId.TryParse(after, out var id) ? id : null;
        var feed = batches.ReadAsync(batchId, resumeAfter, end.Token).GetAsyncEnumerator(end.Token);
        await using (feed)
        {
            // The first page is read before the handshake, so that a wrong id gets an ordinary HTTP answer.
            try
            {
                if (!await feed.MoveNextAsync()) return Problems.NoSuchBatch();
            }
            catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return Problems.Stopping(uploads.RetryAfter);
            }

            if (feed.Current is not EventPage) return BatchEndpoints.ProblemOf(feed.Current, uploads);

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await ServeAsync(socket, feed, end, sentTooMuch);
        }

        return TypedResults.Empty;
    }

    private async Task ServeAsync(
        WebSocket socket,
        IAsyncEnumerator<IBatchAnswer> feed,
        CancellationTokenSource end,
        CancellationToken sentTooMuch)
    {
        var listening = DiscardIncomingAsync(socket, end);
        using var limit = new SendLimit(results.SendTimeout, time, end.Token);
        var close = WebSocketCloseStatus.NormalClosure;
        try
        {
            do
            {
                close = feed.Current switch
                {
                    EventPage => WebSocketCloseStatus.NormalClosure,
                    NoSuchBatch => BatchGone,
                    BatchDamaged => RecordDamaged,
                    _ => TryAgainLater,
                };
                if (feed.Current is EventPage page) await SendAsync(socket, page, limit, end.Token);
            }
            while (await feed.MoveNextAsync());
        }
        catch (Exception failure) when (failure is OperationCanceledException or WebSocketException)
        {
            // The client left or is too slow, or the service stops. The client can reconnect and resume.
            close = sentTooMuch.IsCancellationRequested
                ? WebSocketCloseStatus.PolicyViolation
                : WebSocketCloseStatus.EndpointUnavailable;
        }
        catch (AskTimeoutException)
        {
            close = TryAgainLater;
        }

        await CloseAsync(socket, close, listening);
    }

    private static async Task SendAsync(WebSocket socket, EventPage page, SendLimit limit, CancellationToken end)
    {
        foreach (var batchEvent in page.Events)
        {
            end.ThrowIfCancellationRequested();
            await limit.LimitAsync(
                socket.SendAsync(batchEvent.Json, WebSocketMessageType.Text, endOfMessage: true, limit.Token));
        }
    }

    /// <summary>Reads and ignores incoming frames. Only a read detects the client's close frame, or a dead
    /// connection.</summary>
    private static async Task DiscardIncomingAsync(WebSocket socket, CancellationTokenSource end)
    {
        var buffer = new byte[256];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType
                != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception failure)
            when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        try
        {
            await end.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Sends a close frame and waits up to five seconds for the client's.</summary>
    private async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, Task listening)
    {
        using var limited = new CancellationTokenSource(CloseTimeout, time);
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(status, statusDescription: null, limited.Token);
            await listening.WaitAsync(limited.Token);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            socket.Abort();
            await listening;
        }
    }
}
