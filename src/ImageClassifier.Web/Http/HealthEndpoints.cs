using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: the queues take messages and the store
/// takes objects too, and the service is not stopping; else it says what fails. Whoever asks costs nothing: calls that
/// are paid for are made for all who ask within a while.</summary>
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
    private Task<IReadOnlyList<string>> _look = Task.FromResult<IReadOnlyList<string>>([]);
    private TimeSpan? _lookedAt;

    public static IResult Live() => TypedResults.Ok(new { status = "live" });

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Stopping(uploads.RetryAfter);
        var failing = await LatestLook().WaitAsync(context.RequestAborted);
        return failing.Count == 0
            ? TypedResults.Ok(new { status = "ready" })
            : Problems.NotReady(uploads.RetryAfter, failing);
    }

    /// <summary>The look that is under way, or one that found all well a moment ago, or a new one.</summary>
    private Task<IReadOnlyList<string>> LatestLook()
    {
        lock (_lock)
        {
            var now = time.GetMonotonic();
            var isGood = _look is { IsCompletedSuccessfully: true, Result.Count: 0 };
            if (!_look.IsCompleted || (isGood && now - _lookedAt < GoodFor)) return _look;
            _lookedAt = now;
            return _look = LookAsync();
        }
    }

    private async Task<IReadOnlyList<string>> LookAsync()
    {
        using var limit = new CancellationTokenSource(Limit, time);
        var looks = await Task.WhenAll(
            TryAsync("The request queue cannot be used.", () => LookAtAsync(queues.Requests, limit.Token)),
            TryAsync("The response queue cannot be used.", () => LookAtAsync(queues.Responses, limit.Token)),
            TryAsync("The object store does not answer.", () => store.CheckAsync(limit.Token)));
        return [.. looks.OfType<string>()];
    }

    private static async Task<string?> LookAtAsync(IMessageQueue queue, CancellationToken cancellation)
    {
        await queue.CheckAsync(cancellation);
        await queue.MeasureAsync(cancellation);
        return null;
    }

    /// <summary>What fails, in words that everyone may read; the log has the cause.</summary>
    private async Task<string?> TryAsync(string whenItFails, Func<Task<string?>> look)
    {
        try
        {
            var failing = await look();
            if (failing is not null) log.LogWarning("Not ready: {Failing}", failing);
            return failing;
        }
        catch (Exception failure) when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            log.LogWarning("Not ready: {Failing} {Cause}", whenItFails, failure.Message);
            return whenItFails;
        }
    }
}
