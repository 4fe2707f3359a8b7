using System.Threading.RateLimiting;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace ImageClassifier.Web.Http;

/// <summary>Limits the concurrent reads of batches and pictures for all clients together. A slow client holds its
/// connection, and for a picture an open file, as long as it reads. A read beyond the limit is refused with a retry
/// time.</summary>
internal sealed class ReadLimit(ResultSettings results, UploadSettings uploads) : IRateLimiterPolicy<string>
{
    public const string Name = "reads";

    /// <inheritdoc />
    public Func<OnRejectedContext, CancellationToken, ValueTask> OnRejected { get; } = async (rejected, _) =>
        await Refusal.AnswerAsync(rejected.HttpContext, Problems.Overloaded(uploads.RetryAfter));

    /// <inheritdoc />
    public RateLimitPartition<string> GetPartition(HttpContext httpContext) =>
        RateLimitPartition.GetConcurrencyLimiter(Name, _ => new ConcurrencyLimiterOptions
        {
            PermitLimit = results.MaxReads,
            QueueLimit = 0,
        });
}

/// <summary>Applies the <see cref="ReadLimit"/>.</summary>
internal static class ReadLimitExtensions
{
    /// <summary>Marks the call as a read.</summary>
    public static TBuilder CountAsRead<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.RequireRateLimiting(ReadLimit.Name);
}
