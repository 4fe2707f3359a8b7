using System.Threading.RateLimiting;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace ImageClassifier.Web.Http;

/// <summary>How many batches and pictures are read at once, of all clients together, and as slowly as they like: each holds a
/// connection, and a picture an open file as well. More are told to come back.</summary>
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

/// <summary>What is limited so.</summary>
internal static class ReadLimitExtensions
{
    /// <summary>Counts the call as a read.</summary>
    public static TBuilder CountAsRead<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.RequireRateLimiting(ReadLimit.Name);
}
