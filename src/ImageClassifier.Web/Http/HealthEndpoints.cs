using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: queue and store answer too, and the service
/// is not stopping. Whoever asks costs nothing: calls that are paid for are made for all who ask within a while.</summary>
internal sealed class HealthEndpoints(
    QueuePair queues,
    IObjectStore store,
    UploadSettings uploads,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<HealthEndpoints> log)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<bool> _look = Task.FromResult(false);
    private TimeSpan _lookedAt;
    private bool _wasReady = true;

    public static IResult Live() => TypedResults.Ok(new { status = "live" });

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Stopping(uploads.RetryAfter);
        return await LatestLook().WaitAsync(context.RequestAborted)
            ? TypedResults.Ok(new { status = "ready" })
            : Problems.Unavailable(uploads.RetryAfter);
    }

    /// <summary>The look that is under way, or one that found all well a moment ago, or a new one.</summary>
    private Task<bool> LatestLook()
    {
        lock (_lock)
        {
            var isGood = _look is { IsCompletedSuccessfully: true, Result: true };
            if (!_look.IsCompleted || (isGood && time.GetMonotonic() - _lookedAt < GoodFor)) return _look;
            _lookedAt = time.GetMonotonic();
            return _look = LookAsync();
        }
    }

    private async Task<bool> LookAsync()
    {
        using var limit = new CancellationTokenSource(Limit, time);
        try
        {
            await Task.WhenAll(
                queues.Requests.MeasureAsync(limit.Token),
                queues.Responses.MeasureAsync(limit.Token),
                store.ExistsAsync($"{ObjectKeys.Batches}health-check", limit.Token));
            TellChange(isReady: true, "queues and store answer");
            return true;
        }
        catch (Exception failure) when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            TellChange(isReady: false, failure.Message);
            return false;
        }
    }

    /// <summary>Logs a change. A balancer looks every few seconds, so a line for each look would bury the
    /// others.</summary>
    private void TellChange(bool isReady, string reason)
    {
        if (isReady == _wasReady) return;
        _wasReady = isReady;
        if (isReady) log.LogInformation("Ready again: {Reason}", reason);
        else log.LogWarning("Not ready: {Reason}", reason);
    }
}
