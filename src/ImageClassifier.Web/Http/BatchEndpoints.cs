using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>The calls under <c>/api/batches</c>.</summary>
internal static class BatchEndpoints
{
    /// <summary>The value of <c>cancel</c> that ends the jobs without a result.</summary>
    public const string CancelsWaiting = "waiting";

    /// <summary><c>POST /api/batches</c>: one or many files under any field name, or references to pictures.</summary>
    public static async Task<IResult> PostAsync(
        HttpRequest request, UploadRequest upload, UploadSettings settings, IRequiredActor<UploadActor> uploads) =>
        await upload.RunAsync(uploads.ActorRef, request, settings.MaxFiles, IdempotencyScope.Batches) switch
        {
            UploadOutcome.Accepted accepted => Accepted(accepted.Manifest),
            UploadOutcome.NothingUsable nothing =>
                Problems.NothingUsable(settings.Formats, nothing.Files.Select(Answer)),
            UploadOutcome.Refused refused => refused.Problem,
            var other => throw new InvalidOperationException($"An upload cannot end as {other}."),
        };

    /// <summary><c>GET /api/batches/{batchId}</c>.</summary>
    public static async Task<IResult> GetAsync(
        string batchId, BatchFeed batches, IObjectStore store, UploadSettings settings, CancellationToken cancellation)
    {
        if (!BatchId.TryParse(batchId, out var batch)) return Problems.NoSuchBatch();
        var answer = await batches.ViewAsync(batch, cancellation);
        if (answer is not BatchView view) return ProblemOf(answer, settings);
        var callback = view.Callback is { } events
            ? CallbackDocument.Of(view, events, await new StoredCallbacks(store).ProgressOfAsync(batch, cancellation))
            : null;
        return TypedResults.Ok(BatchDocument.Of(view, callback));
    }

    /// <summary><c>DELETE /api/batches/{batchId}</c>, and with <c>?cancel=waiting</c> only what waits.</summary>
    public static async Task<IResult> DeleteAsync(
        string batchId, string? cancel, HttpRequest request, BatchFeed batches, UploadSettings settings,
        CancellationToken cancellation)
    {
        // Neither an empty value nor a misspelt parameter may delete the batch.
        if (cancel is null ? request.Query.Count > 0 : cancel != CancelsWaiting) return Problems.CancelUnknown();
        if (!BatchId.TryParse(batchId, out var batch)) return Problems.NoSuchBatch();
        var end = cancel is null ? batches.DeleteAsync(batch, cancellation) : batches.CancelAsync(batch, cancellation);
        return await end switch
        {
            BatchDeleted => TypedResults.NoContent(),
            WaitingCancelled cancelled => TypedResults.Ok(new CancelledDocument(batch, cancelled.Jobs)),
            var answer => ProblemOf(answer, settings),
        };
    }

    /// <summary><c>GET /api/batches/{batchId}/images/{jobId}</c>: the original picture. The content type comes from the
    /// stored format and the file name from the job id, so a browser never runs anything that was uploaded.</summary>
    public static async Task<IResult> GetImageAsync(
        string batchId, string jobId, HttpResponse response, IObjectStore store, CancellationToken cancellation)
    {
        if (!BatchId.TryParse(batchId, out var batch) || !JobId.TryParse(jobId, out var job))
            return Problems.NoSuchImage();
        // A deletion that broke off can leave pictures. They must not be readable any more.
        var manifest = ObjectKeys.Manifest(batch);
        if (!await store.ExistsAsync(manifest, cancellation)) return Problems.NoSuchImage();
        foreach (var format in Enum.GetValues<PictureFormat>())
        {
            if (await store.GetAsync(ObjectKeys.Image(batch, job, format), cancellation) is { } picture)
            {
                response.Headers.CacheControl = "private";
                response.Headers.ContentSecurityPolicy = SecurityHeaders.PicturePolicy;
                response.Headers.ContentDisposition = $"inline; filename=\"{job}{PictureFormats.Extension(format)}\"";
                return TypedResults.Stream(
                    picture.Content, PictureFormats.ContentType(format), lastModified: picture.LastModified);
            }
        }

        var read = await store.ReadDocumentAsync<BatchManifest>(manifest, cancellation);
        return read.OrNull?.Jobs.Any(entry => entry.Job == job && entry.Reference is not null) == true
            ? Problems.ImageNotStored()
            : Problems.NoSuchImage();
    }

    /// <summary>The problem response for an unexpected answer of a batch.</summary>
    public static IResult ProblemOf(IBatchAnswer answer, UploadSettings settings) => answer switch
    {
        NoSuchBatch => Problems.NoSuchBatch(),
        BatchDamaged => Problems.BatchDamaged(),
        BatchUnavailable => Problems.Unavailable(settings.RetryAfter),
        _ => throw new InvalidOperationException($"A batch cannot answer {answer} here."),
    };

    private static IResult Accepted(BatchManifest manifest)
    {
        var links = BatchLinks.Of(manifest.Batch);
        return TypedResults.Accepted(
            links.Self, new AcceptedDocument(manifest.Batch, [.. manifest.Jobs.Select(Answer)], links));
    }

    private static AcceptedJobDocument Answer(ManifestJob job) => new(
        job.Job, job.FileName, job.Refusal is null ? Core.Messages.JobStatus.Queued : Core.Messages.JobStatus.Rejected,
        job.Refusal?.Message, job.Refusal?.Code);
}
