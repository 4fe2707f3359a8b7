using System.Threading.RateLimiting;
using Akka.Hosting;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>The calls that wait for their result: <c>POST /api/classify</c>, and <c>POST /</c> for scripts that send
/// one file and want the label as text.</summary>
internal sealed class ClassifyEndpoints(
    UploadRequest upload,
    UploadSettings uploads,
    ResultSettings results,
    BatchFeed batches,
    IRequiredActor<UploadActor> uploadActor,
    IHostApplicationLifetime lifetime,
    TimeProvider time) : IDisposable
{
    /// <summary>How these calls can fail, besides what every upload can answer.</summary>
    public static readonly ProblemKind[] Failures =
    [
        ProblemKinds.NothingUsable, .. ProblemKinds.OfPictures, ProblemKinds.Unreadable, ProblemKinds.Stopping,
        ProblemKinds.StillWorking, ProblemKinds.NoSuchBatch,
    ];

    private readonly ConcurrencyLimiter _waiting =
        new(new ConcurrencyLimiterOptions { PermitLimit = results.MaxWaitingRequests, QueueLimit = 0 });

    /// <inheritdoc />
    public void Dispose() => _waiting.Dispose();

    /// <summary><c>POST /api/classify</c>: JSON if the client prefers it, otherwise text.</summary>
    public Task<IResult> PostAsync(HttpRequest request) => ClassifyAsync(request, PrefersJson(request));

    /// <summary><c>POST /</c>: always text.</summary>
    public Task<IResult> PostForTextAsync(HttpRequest request) => ClassifyAsync(request, asJson: false);

    private async Task<IResult> ClassifyAsync(HttpRequest request, bool asJson)
    {
        using var slot = _waiting.AttemptAcquire();
        if (!slot.IsAcquired) return Problems.Overloaded(uploads.RetryAfter);

        return await upload.RunAsync(uploadActor.ActorRef, request, maxFiles: 1, IdempotencyScope.Classify) switch
        {
            UploadOutcome.Accepted accepted =>
                await WaitAsync(accepted.Manifest, asJson, request.HttpContext.RequestAborted),
            UploadOutcome.NothingUsable { Files: [{ Refusal: { } error }] } =>
                Problems.NotClassified(error.Code, error.Message),
            UploadOutcome.NothingUsable => Problems.NothingUsable(uploads.Formats),
            UploadOutcome.Refused refused => refused.Problem,
            var other => throw new InvalidOperationException($"An upload cannot end as {other}."),
        };
    }

    private async Task<IResult> WaitAsync(BatchManifest manifest, bool asJson, CancellationToken aborted)
    {
        var links = BatchLinks.Of(manifest.Batch);
        using var limit = new CancellationTokenSource(results.WaitLimit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            limit.Token, aborted, lifetime.ApplicationStopping);
        try
        {
            await foreach (var answer in batches.ReadAsync(manifest.Batch, after: null, end.Token))
            {
                switch (answer)
                {
                    case EventPage page when page.Events.LastOrDefault(read => !read.IsEnd) is { } result:
                        return Answer(result.ReadJob()!, asJson, links);
                    case BatchUnavailable:
                        return Problems.Unreadable(uploads.RetryAfter, links);
                    case not EventPage:
                        return BatchEndpoints.ProblemOf(answer, uploads);
                }
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return Problems.StillWorking(results.WaitLimit, links);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Problems.Stopping(uploads.RetryAfter, links);
        }

        return Problems.StillWorking(results.WaitLimit, links);
    }

    private static IResult Answer(JobDocument job, bool asJson, BatchLinks links)
    {
        if (job is { Status: JobStatus.Failed, ErrorCode: { } code, Error: { } message })
            return Problems.NotClassified(code, message, links);
        if (asJson) return TypedResults.Ok(job);
        return TypedResults.Text(job.Predictions![0].Label, "text/plain", System.Text.Encoding.UTF8);
    }

    private static bool PrefersJson(HttpRequest request)
    {
        double json = 0, text = 0;
        foreach (var accepted in request.GetTypedHeaders().Accept)
        {
            if (accepted.MatchesAllTypes) continue;
            var quality = accepted.Quality ?? 1;
            if (accepted.MatchesMediaType("application/json")) json = Math.Max(json, quality);
            if (accepted.MatchesMediaType("text/plain")) text = Math.Max(text, quality);
        }

        // Equal preference for both: the client did name JSON.
        return json > 0 && json >= text;
    }
}
