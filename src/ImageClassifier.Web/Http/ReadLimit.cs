using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Http;

/// <summary>Limits the concurrent reads of batches and pictures for all clients together. A slow client holds its
/// connection, and for a picture an open file, as long as it reads. A read beyond the limit is refused with a retry
/// time.</summary>
internal sealed class ReadLimit(ResultSettings results, UploadSettings uploads)
{
    private int _reads;

    /// <summary>The middleware. It runs after routing.</summary>
    public async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<Read>() is null)
        {
            await next(context);
            return;
        }

        if (Interlocked.Increment(ref _reads) > results.MaxReads)
        {
            // Before the answer: a client that reads it slowly must not keep others out.
            Interlocked.Decrement(ref _reads);
            await Refusal.AnswerAsync(context, Problems.Overloaded(uploads.RetryAfter));
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            Interlocked.Decrement(ref _reads);
        }
    }

    /// <summary>Marks a call as a read.</summary>
    internal sealed record Read;
}

/// <summary>Applies the <see cref="ReadLimit"/>.</summary>
internal static class ReadLimitExtensions
{
    /// <summary>Marks the call as a read.</summary>
    public static TBuilder CountAsRead<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new ReadLimit.Read()).CanFailWith(ProblemKinds.Overloaded);
}
