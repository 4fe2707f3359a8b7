using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/serving</c>: the node takes calls, because it is a
/// member of its cluster and does not stop. <c>/health/ready</c>: also, queues and store can be used, and nothing that
/// uploads need is refused. Each says what is wrong.</summary>
/// <remarks>Probes are cheap: all probes within two seconds share one check, because its calls cost money. ASP.NET's
/// health checks cannot share them, and log each failed probe.</remarks>
internal sealed class HealthEndpoints(
    QueuePair queues,
    IObjectStore store,
    UploadSettings uploads,
    PortRefusals refusals,
    ReadinessProblems problems,
    ClusterMembership membership,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<HealthEndpoints> log)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CacheFor = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<IReadOnlyList<string>> _check = Task.FromResult<IReadOnlyList<string>>([]);
    private TimeSpan? _checkedAt;
    private string _lastLogged = "";

    public static IResult Live() => TypedResults.Ok(new HealthDocument("live"));

    /// <summary>For a load balancer that replaces nodes: an outage of queue or store must not replace them all.</summary>
    public IResult Serving() => WhyNotServing() ?? TypedResults.Ok(new HealthDocument("serving"));

    public async Task<IResult> ReadyAsync(HttpContext context)
    {
        if (WhyNotServing() is { } notServing) return notServing;
        var failing = await LatestCheck().WaitAsync(context.RequestAborted);
        if (refusals.StopsUploads) return Problems.NotPermitted(uploads.RetryAfter);
        if (failing.Count > 0) return Problems.NotReady(uploads.RetryAfter, failing);
        var warnings = await problems.ListAsync(context.RequestAborted);
        return TypedResults.Ok(new HealthDocument("ready", warnings.Count > 0 ? warnings : null));
    }

    private IResult? WhyNotServing() =>
        lifetime.ApplicationStopping.IsCancellationRequested ? Problems.Stopping(uploads.RetryAfter)
        : membership.Problem is { } problem ? Problems.NotReady(uploads.RetryAfter, [problem])
        : null;

    /// <summary>The running check, a good check of the last two seconds, or a new one.</summary>
    private Task<IReadOnlyList<string>> LatestCheck()
    {
        lock (_lock)
        {
            var now = time.GetMonotonic();
            var hasPassed = _check is { IsCompletedSuccessfully: true, Result.Count: 0 };
            // A failed check is not reused, so a repair shows at once.
            if (!_check.IsCompleted || (hasPassed && now - _checkedAt < CacheFor)) return _check;
            _checkedAt = now;
            return _check = CheckAllAsync();
        }
    }

    private async Task<IReadOnlyList<string>> CheckAllAsync()
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        var checks = await Task.WhenAll(
            TryAsync("The request queue cannot be used.", () => CheckQueueAsync(queues.Requests, limit.Token)),
            TryAsync("The response queue cannot be used.", () => CheckQueueAsync(queues.Responses, limit.Token)),
            TryAsync("The object store does not answer.", () => store.CheckAsync(limit.Token)));
        var failures = checks.OfType<Failure>().ToArray();
        LogChange(failures);
        return [.. failures.Select(failure => failure.PublicText)];
    }

    private static async Task<string?> CheckQueueAsync(IMessageQueue queue, CancellationToken cancellation)
    {
        await queue.CheckAsync(cancellation);
        await queue.MeasureAsync(cancellation);
        return null;
    }

    /// <summary>Runs a check. The failure's text is public; its cause is for the log.</summary>
    private static async Task<Failure?> TryAsync(string whenItFails, Func<Task<string?>> check)
    {
        try
        {
            return await check() is { } failing ? new Failure(failing, null) : null;
        }
        catch (Exception failure)
            when (failure is QueueUnavailableException or IOException or OperationCanceledException)
        {
            return new Failure(whenItFails, failure.Message);
        }
    }

    /// <summary>Logs a change only: a load balancer probes every few seconds.</summary>
    private void LogChange(IReadOnlyCollection<Failure> failures)
    {
        var publicText = string.Join(' ', failures.Select(failure => failure.PublicText));
        if (publicText == _lastLogged) return;
        _lastLogged = publicText;
        if (failures.Count == 0)
            log.LogInformation("Ready again: queues and store can be used");
        else
            log.LogWarning("Not ready: {Failures}", string.Join(' ', failures));
    }

    /// <summary>A failed check.</summary>
    /// <param name="PublicText">The text for everyone.</param>
    /// <param name="Cause">The cause for the log; null if the text says everything.</param>
    private sealed record Failure(string PublicText, string? Cause)
    {
        public override string ToString() => Cause is null ? PublicText : $"{PublicText} {Cause}";
    }
}
