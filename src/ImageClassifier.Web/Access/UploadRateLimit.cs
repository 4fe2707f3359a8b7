using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Limits uploads per key, or per address if there are no keys. An upload beyond the limit is refused before
/// its body is read.</summary>
internal sealed class UploadRateLimit(AccessSettings access, TimeProvider time)
{
    private readonly TokenBuckets _buckets = new(access.Uploads, time);

    /// <summary>The middleware. It runs after the access checks, which name the caller.</summary>
    public Task GuardAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<AccessMetadata.Upload>() is not null
            && _buckets.Take(Caller.Of(context).CountedBy) is { } wait
            ? Refusal.AnswerAsync(context, Problems.TooManyUploads(wait))
            : next(context);
}
