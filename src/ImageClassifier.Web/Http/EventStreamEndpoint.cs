using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary><c>GET /api/batches/{batchId}/events</c>: a batch's events as Server-Sent Events.</summary>
internal sealed class EventStreamEndpoint(
    BatchFeed batches,
    SubscriberLimit subscribers,
    ResultSettings results,
    UploadSettings uploads,
    IHostApplicationLifetime lifetime,
    TimeProvider time)
{
    public const string LastEventIdHeader = "Last-Event-ID";
    public const string ContentType = "text/event-stream";

    private static readonly byte[] Heartbeat = ": still here\n\n"u8.ToArray();

    /// <summary>Serves the stream until the last event. A client that has the last event gets 204, which stops a
    /// browser's <c>EventSource</c> from reconnecting.</summary>
    public async Task<IResult> GetAsync(string batchId, string? after, HttpContext context)
    {
        if (!BatchId.TryParse(batchId, out var batch)) return Problems.NoSuchBatch();
        using var slot = subscribers.TryEnter();
        if (!slot.IsAcquired) return Problems.Overloaded(uploads.RetryAfter);

        EventId? resumeAfter = EventId.TryParse(
            context.Request.Headers[LastEventIdHeader].FirstOrDefault() ?? after, out var id) ? id : null;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted, lifetime.ApplicationStopping);
        using var limit = new SendLimit(results.SendTimeout, time, end.Token);
        try
        {
            await foreach (var answer in batches.ReadAsync(batch, resumeAfter, end.Token))
            {
                if (answer is not EventPage page)
                    return context.Response.HasStarted ? TypedResults.Empty : BatchEndpoints.ProblemOf(answer, uploads);
                if (!context.Response.HasStarted)
                {
                    if (page is { Finished: true, Events.Count: 0 }) return TypedResults.NoContent();
                    Start(context);
                    if (HttpMethods.IsHead(context.Request.Method)) return TypedResults.Empty;
                }

                await SendAsync(context.Response, page, limit, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The client left or is too slow, or the service stops. The client can reconnect and resume.
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                return context.Response.HasStarted ? TypedResults.Empty : Problems.Stopping(uploads.RetryAfter);
            context.Abort();
        }

        return TypedResults.Empty;
    }

    private static void Start(HttpContext context)
    {
        context.Response.ContentType = ContentType;
        // Without this header nginx holds events back until the stream ends.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private static async Task SendAsync(HttpResponse response, EventPage page, SendLimit limit, CancellationToken end)
    {
        // One event at a time, so that a client that does not read holds one event in memory and not the whole batch.
        var messages = page.Events.Count > 0 ? page.Events.Select(BytesOf) : [Heartbeat];
        foreach (var bytes in messages)
        {
            end.ThrowIfCancellationRequested();
            await limit.LimitAsync(WriteAsync(response.Body, bytes, limit.Token));
        }
    }

    private static async ValueTask WriteAsync(Stream body, byte[] bytes, CancellationToken cancellation)
    {
        await body.WriteAsync(bytes, cancellation);
        await body.FlushAsync(cancellation);
    }

    private static byte[] BytesOf(BatchEvent batchEvent)
    {
        var type = batchEvent.IsEnd ? EventDocument.Complete : EventDocument.Result;
        var head = Encoding.UTF8.GetBytes($"id: {batchEvent.Id}\nevent: {type}\ndata: ");
        return [.. head, .. batchEvent.Json.Span, .. "\n\n"u8];
    }
}
