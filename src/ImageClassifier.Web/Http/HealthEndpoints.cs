using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: queue and store answer too, and the service
/// is not stopping.</summary>
internal sealed class HealthEndpoints(
    QueuePair queues,
    IObjectStore store,
    UploadSettings uploads,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<HealthEndpoints> log)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public static IResult Live() => TypedResults.Ok(new { status = "live" });

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Stopping(uploads.RetryAfter);

        using var limit = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            await Task.WhenAll(
                queues.Requests.MeasureAsync(end.Token),
                queues.Responses.MeasureAsync(end.Token),
                store.ExistsAsync($"{ObjectKeys.Batches}health-check", end.Token));
            return TypedResults.Ok(new { status = "ready" });
        }
        catch (Exception failure) when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            if (!context.RequestAborted.IsCancellationRequested) log.LogWarning("Not ready: {Cause}", failure.Message);
            return Problems.Unavailable(uploads.RetryAfter);
        }
    }
}
