using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: the queues take messages and the store
/// takes objects too, neither refuses what uploads need, and the service is not stopping; else it says what fails. Whoever
/// asks costs nothing: calls that are paid for are made for all who ask within a while.</summary>
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
    private Task<IReadOnlyList<string>> _look = Task.FromResult<IReadOnlyList<string>>([]);
    private TimeSpan? _lookedAt;
    private string _toldOf = "";

    public static IResult Live() => TypedResults.Ok(new { status = "live" });

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Stopping(uploads.RetryAfter);
        var failing = await LatestLook().WaitAsync(context.RequestAborted);
        if (refusals.StopsUploads) return Problems.NotPermitted(uploads.RetryAfter);
        if (failing.Count > 0) return Problems.NotReady(uploads.RetryAfter, failing);
        var found = await problems.ListAsync(context.RequestAborted);
        return TypedResults.Ok(new ReadyDocument("ready", found.Count > 0 ? found : null));
    }

    /// <summary>The look that is under way, or one that found all well a moment ago, or a new one.</summary>
    private Task<IReadOnlyList<string>> LatestLook()
    {
        lock (_lock)
        {
            var now = time.GetMonotonic();
            var isGood = _look is { IsCompletedSuccessfully: true, Result.Count: 0 };
            // What is mended shows at once.
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
        var failures = looks.OfType<Failure>().ToArray();
        TellChange(failures);
        return [.. failures.Select(failure => failure.Shown)];
    }

    private static async Task<string?> LookAtAsync(IMessageQueue queue, CancellationToken cancellation)
    {
        await queue.CheckAsync(cancellation);
        await queue.MeasureAsync(cancellation);
        return null;
    }

    /// <summary>What fails, in words that everyone may read; the log has the cause.</summary>
    private static async Task<Failure?> TryAsync(string whenItFails, Func<Task<string?>> look)
    {
        try
        {
            return await look() is { } failing ? new Failure(failing, null) : null;
        }
        catch (Exception failure) when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            return new Failure(whenItFails, failure.Message);
        }
    }

    /// <summary>Logs a change. A balancer looks every few seconds, so a line for each look would bury the
    /// others.</summary>
    private void TellChange(IReadOnlyCollection<Failure> failures)
    {
        var shown = string.Join(' ', failures.Select(failure => failure.Shown));
        if (shown == _toldOf) return;
        _toldOf = shown;
        if (failures.Count == 0)
            log.LogInformation("Ready again: queues and store can be used");
        else
            log.LogWarning("Not ready: {Failures}", string.Join(' ', failures));
    }

    /// <summary>What fails.</summary>
    /// <param name="Shown">In words that everyone may read.</param>
    /// <param name="Cause">For the log; null where the words say it all.</param>
    private sealed record Failure(string Shown, string? Cause)
    {
        public override string ToString() => Cause is null ? Shown : $"{Shown} {Cause}";
    }

    /// <param name="Status">That it takes uploads.</param>
    /// <param name="Problems">What is wrong all the same, as sentences; null where nothing is.</param>
    private sealed record ReadyDocument(string Status, IReadOnlyList<string>? Problems);
}
