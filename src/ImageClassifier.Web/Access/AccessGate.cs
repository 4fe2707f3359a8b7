using ImageClassifier.Core;
using ImageClassifier.Web.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace ImageClassifier.Web.Access;

/// <summary>Lets a call in when its key is right; calls that need none pass. The key's name, never the key, is in the
/// scope of what is logged meanwhile.</summary>
internal sealed class AccessGate(
    AccessSettings access, OriginCheck origins, RefusalRateLimit refusals, TimeProvider time, ILogger<AccessGate> log)
{
    /// <summary>The header of a key, besides <c>Authorization: Bearer</c>.</summary>
    public const string KeyHeader = "X-Api-Key";

    private const string Scheme = "Bearer";
    private const string Realm = Scheme + " realm=\"image-classifier\"";

    /// <summary>The middleware; the call is known by then.</summary>
    public Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        // The server's own answer to a wrong method is no call of ours.
        if (context.GetEndpoint() is not RouteEndpoint { Metadata: var call }
            || call.GetMetadata<AccessMetadata.EveryoneMayCall>() is not null)
            return next(context);
        // Where no one has a name an upload's line is of little use, and there may be many.
        if (call.GetMetadata<AccessMetadata.Upload>() is not null)
            LogAtTheEnd(context, access.Keys.IsEmpty ? LogLevel.Debug : LogLevel.Information);
        if (call.GetMetadata<AccessMetadata.Deletion>() is not null) LogAtTheEnd(context, LogLevel.Information);
        return access.Keys.IsEmpty ? LetInWithoutKeyAsync(context, next) : LetInByKeyAsync(context, next);
    }

    /// <summary>Without keys it is often the user's own machine that lets in whoever reaches the port, and the pages of
    /// other sites reach it through the user's browser.</summary>
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
            // No line for each: that is what whoever floods the log would like.
            await Refusal.AnswerAsync(context, Problems.TooManyRefusals(wait));
            return;
        }

        log.LogWarning("{Method} {Call} from {Address} was refused: it has {Lack}",
            context.Request.Method, CallOf(context), caller.Address, isWrong ? "a wrong key" : "no key");
        context.Response.Headers.WWWAuthenticate = isWrong ? $"{Realm}, error=\"invalid_token\"" : Realm;
        await Refusal.AnswerAsync(context, isWrong ? Problems.WrongKey() : Problems.KeyNeeded());
    }

    /// <summary>The key that came along. A proxy may keep <c>Authorization</c> for itself, so our own header counts
    /// more.</summary>
    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue(KeyHeader, out var key)) return key.ToString();
        return BearerOf(request.Headers.Authorization);
    }

    private static string? BearerOf(StringValues authorization) =>
        authorization is [{ } text] && text.StartsWith(Scheme + " ", StringComparison.OrdinalIgnoreCase)
            ? text[Scheme.Length..].Trim()
            : null;

    /// <summary>The call's pattern. What was sent in its place could be the id of a batch, which is the right to read
    /// it.</summary>
    private static string? CallOf(HttpContext context) =>
        (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;

    /// <summary>One line for the call: who made it, and what became of it.</summary>
    private void LogAtTheEnd(HttpContext context, LogLevel level)
    {
        if (!log.IsEnabled(level)) return;
        var start = time.GetTimestamp();
        context.Response.OnCompleted(() =>
        {
            // Calls without a right key have their own line.
            if (context.Features.Get<Caller>() is null && !access.Keys.IsEmpty) return Task.CompletedTask;
            var caller = Caller.Of(context);
            log.Log(level, "{Method} {Call}{Batch} by {Key} from {Address}: {Status} in {Milliseconds} ms",
                context.Request.Method, CallOf(context), BatchOf(context), caller.Key ?? "anyone", caller.Address,
                context.Response.StatusCode, (long)time.GetElapsedTime(start).TotalMilliseconds);
            return Task.CompletedTask;
        });
    }

    /// <summary>What stands for the call's batch; empty where the call has none.</summary>
    private static string BatchOf(HttpContext context) =>
        BatchId.TryParse(context.Request.RouteValues["batchId"] as string, out var batch)
            ? $" (batch {batch.LogReference})"
            : "";
}
