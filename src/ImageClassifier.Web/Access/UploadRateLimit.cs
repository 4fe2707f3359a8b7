using System.Threading.RateLimiting;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace ImageClassifier.Web.Access;

/// <summary>Limits uploads per key, or per address if there are no keys. An upload beyond the limit is refused before
/// its body is read.</summary>
internal sealed class UploadRateLimit(AccessSettings access) : IRateLimiterPolicy<string>
{
    public const string Name = "uploads";

    /// <inheritdoc />
    public Func<OnRejectedContext, CancellationToken, ValueTask> OnRejected { get; } = async (rejected, _) =>
        await Refusal.AnswerAsync(rejected.HttpContext, Problems.TooManyUploads(RetryAfterOf(rejected.Lease)));

    /// <inheritdoc />
    public RateLimitPartition<string> GetPartition(HttpContext httpContext) =>
        access.Uploads.Partition(Caller.Of(httpContext).CountedBy);

    /// <summary>When the limiter has a token again.</summary>
    internal static TimeSpan RetryAfterOf(RateLimitLease lease) =>
        lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
}
