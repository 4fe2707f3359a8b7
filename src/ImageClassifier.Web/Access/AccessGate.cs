using ImageClassifier.Core;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace ImageClassifier.Web.Access;

/// <summary>Lets a call through if its key is right or none is needed. The log scope contains the key's name, never the
/// key.</summary>
internal sealed class AccessGate(
    AccessSettings access, OriginCheck origins, RefusalRateLimit refusals, TimeProvider time, ILogger<AccessGate> log)
{
    /// <summary>The header for a key, as an alternative to <c>Authorization: Bearer</c>.</summary>
    public const string KeyHeader = "X-Api-Key";

    /// <summary>How a call that needs a key can be refused.</summary>
    public static readonly ProblemKind[] Refusals =
    [
        ProblemKinds.KeyNeeded, ProblemKinds.WrongKey, ProblemKinds.TooManyRefusals, ProblemKinds.HostRefused,
        ProblemKinds.OriginRefused,
    ];

    private const string Scheme = "Bearer";
    private const string Realm = Scheme + " realm=\"image-classifier\"";

    /// <summary>The middleware. It runs after routing.</summary>
    public Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        // The server's own answer to a wrong method is not one of our calls.
        if (context.GetEndpoint() is not RouteEndpoint { Metadata: var call }
            || call.GetMetadata<AccessMetadata.EveryoneMayCall>() is not null)
            return next(context);
        // Without keys nobody has a name, so a line for each upload says little and there may be many.
        if (call.GetMetadata<AccessMetadata.Upload>() is not null)
            LogAtTheEnd(context, access.Keys.IsEmpty ? LogLevel.Debug : LogLevel.Information);
        if (call.GetMetadata<AccessMetadata.Deletion>() is not null) LogAtTheEnd(context, LogLevel.Information);
        return access.Keys.IsEmpty ? LetInWithoutKeyAsync(context, next) : LetInByKeyAsync(context, next);
    }

    /// <summary>Without keys, anyone who reaches the port is let in, and that is often the user's own machine. Pages of
    /// other sites could then reach it through the user's browser.</summary>
    private Task LetInWithoutKeyAsync(HttpContext context, RequestDelegate next) =>
        origins.Refuse(context.Request) is { } problem ? Refusal.AnswerAsync(context, problem) : next(context);

    private async Task LetInByKeyAsync(HttpContext context, RequestDelegate next)
    {
        var sent = KeyOf(context.Request);
        if (sent is null || access.Keys.NameOf(sent) is not { } name)
        {
            await RefuseAsync(context, isWrong: sent is not null);
            return;
        }

        context.Features.Set(new Caller(name, context.Connection.RemoteIpAddress));
        using (log.BeginScope("key {Key}", name)) await next(context);
    }

    private async Task RefuseAsync(HttpContext context, bool isWrong)
    {
        var caller = Caller.Of(context);
        if (refusals.Count(caller) is { } wait)
        {
            // No log line: otherwise anyone could flood the log.
            await Refusal.AnswerAsync(context, Problems.TooManyRefusals(wait));
            return;
        }

        log.LogWarning("{Method} {Call} from {Address} was refused: it has {Lack}",
            context.Request.Method, CallOf(context), caller.Address, isWrong ? "a wrong key" : "no key");
        context.Response.Headers.WWWAuthenticate = isWrong ? $"{Realm}, error=\"invalid_token\"" : Realm;
        await Refusal.AnswerAsync(context, isWrong ? Problems.WrongKey() : Problems.KeyNeeded());
    }

    /// <summary>The key of the request. Our own header has priority, because a proxy may keep <c>Authorization</c> for
    /// itself.</summary>
    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue(KeyHeader, out var key)) return key.ToString();
        return BearerOf(request.Headers.Authorization);
    }

    private static string? BearerOf(StringValues authorization) =>
        authorization is [{ } text] && text.StartsWith(Scheme + " ", StringComparison.OrdinalIgnoreCase)
            ? text[Scheme.Length..].Trim()
            : null;

    /// <summary>The route pattern. The path itself could contain a batch id, which is the right to read that
    /// batch.</summary>
    private static string? CallOf(HttpContext context) =>
        (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;

    /// <summary>Logs one line for the call: the caller and the outcome.</summary>
    private void LogAtTheEnd(HttpContext context, LogLevel level)
    {
        if (!log.IsEnabled(level)) return;
        var start = time.GetTimestamp();
        context.Response.OnCompleted(() =>
        {
            // A call without a right key has a line already.
            if (context.Features.Get<Caller>() is null && !access.Keys.IsEmpty) return Task.CompletedTask;
            var caller = Caller.Of(context);
            log.Log(level, "{Method} {Call}{Batch} by {Key} from {Address}: {Status} in {Milliseconds} ms",
                context.Request.Method, CallOf(context), BatchOf(context), caller.Key ?? "anyone", caller.Address,
                context.Response.StatusCode, (long)time.GetElapsedTime(start).TotalMilliseconds);
            return Task.CompletedTask;
        });
    }

    /// <summary>The log reference of the call's batch; empty if the call has none.</summary>
    private static string BatchOf(HttpContext context) =>
        BatchId.TryParse(context.Request.RouteValues["batchId"] as string, out var batch)
            ? $" (batch {batch.LogReference})"
            : "";
}
