using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: queue and store answer too, refuse
/// nothing that uploads need, and the service is not stopping; its body says what is wrong besides. Whoever asks costs
/// nothing: calls that are paid for are made for all who ask within a while.</summary>
internal sealed class HealthEndpoints(
    QueuePair queues,
    IObjectStore store,
    UploadSettings uploads,
    PortRefusals refusals,
    ReadinessProblems problems,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<HealthEndpoints> log)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<bool> _look = Task.FromResult(false);
    private TimeSpan _lookedAt;

    public static IResult Live() => TypedResults.Ok(new { status = "live" });

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Stopping(uploads.RetryAfter);
        var isWell = await LatestLook().WaitAsync(context.RequestAborted);
        if (refusals.StopsUploads) return Problems.NotPermitted(uploads.RetryAfter);
        if (!isWell) return Problems.Unavailable(uploads.RetryAfter);
        var found = await problems.ListAsync(context.RequestAborted);
        return TypedResults.Ok(new ReadyDocument("ready", found.Count > 0 ? found : null));
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
            return true;
        }
        catch (Exception failure) when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            log.LogWarning("Not ready: {Cause}", failure.Message);
            return false;
        }
    }

    /// <param name="Status">That it takes uploads.</param>
    /// <param name="Problems">What is wrong all the same, as sentences; null where nothing is.</param>
    private sealed record ReadyDocument(string Status, IReadOnlyList<string>? Problems);
}
