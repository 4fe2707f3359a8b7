using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>How an upload request ended.</summary>
internal abstract record UploadOutcome
{
    private UploadOutcome()
    {
    }

    /// <summary>At least one file is accepted and durable.</summary>
    public sealed record Accepted(BatchManifest Manifest) : UploadOutcome;

    /// <summary>The request was read, and no file of it can be used.</summary>
    public sealed record NothingUsable(IReadOnlyList<ManifestJob> Files) : UploadOutcome;

    /// <summary>The request as a whole is refused.</summary>
    public sealed record Refused(IResult Problem) : UploadOutcome;
}

/// <summary>
/// One upload request, in its own task: is admitted, marks its batch as open, streams its pictures into the store, and
/// commits. Whatever goes wrong before the commit leaves nothing behind.
/// </summary>
internal sealed class UploadRequest(
    IObjectStore store, UploadSettings settings, TimeProvider time, ILogger<UploadRequest> log)
{
    private readonly PictureIntake _intake = new(store, settings.MaxFileSize);

    /// <summary>Runs the request.</summary>
    /// <param name="uploads">Where uploads are admitted and committed.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxFiles">How many files it may have.</param>
    public async Task<UploadOutcome> RunAsync(IActorRef uploads, HttpRequest request, int maxFiles)
    {
        LimitedBody.LiftServerLimit(request.HttpContext);
        if (request.ContentLength > settings.MaxRequestSize)
            return new UploadOutcome.Refused(Problems.RequestTooLarge(settings.MaxRequestSize));
        if (Boundary(request) is not { } boundary) return new UploadOutcome.Refused(Problems.NotMultipart());

        var form = new MultipartReader(boundary, new LimitedBody(request.Body, settings.MaxRequestSize));
        var cancellation = request.HttpContext.RequestAborted;
        var batch = BatchId.New();
        try
        {
            var admission = await uploads.Ask<IUploadAnswer>(new Admit(batch), EdgeTimeouts.Answer, cancellation);
            return admission is Overloaded overloaded
                ? new UploadOutcome.Refused(Problems.Overloaded(overloaded.RetryAfter))
                : await ReadAndCommitAsync(uploads, batch, form, maxFiles, cancellation);
        }
        finally
        {
            uploads.Tell(new Release(batch));
        }
    }

    private static string? Boundary(HttpRequest request)
    {
        const int longestBoundary = 70;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            return null;
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        return boundary is { Length: > 0 and <= longestBoundary } ? boundary : null;
    }

    private async Task<UploadOutcome> ReadAndCommitAsync(
        IActorRef uploads, BatchId batch, MultipartReader form, int maxFiles, CancellationToken cancellation)
    {
        var mayDiscard = true;
        try
        {
            await store.PutAsync(ObjectKeys.OpenMarker(batch), ReadOnlyMemory<byte>.Empty, cancellation);
            var jobs = await ReadFilesAsync(batch, form, maxFiles, cancellation);
            if (!jobs.Any(job => job.ImageKey is not null))
            {
                await DiscardAsync(batch);
                return new UploadOutcome.NothingUsable(jobs);
            }

            // From here on the manifest may be there, whatever the answer: then the pictures must stay.
            mayDiscard = false;
            var manifest = new BatchManifest(batch, time.GetUtcNow(), jobs);
            var commit = await uploads.Ask<IUploadAnswer>(new Commit(manifest), EdgeTimeouts.Answer, cancellation);
            return commit is Committed
                ? new UploadOutcome.Accepted(manifest)
                : new UploadOutcome.Refused(Problems.Unavailable(settings.RetryAfter));
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            if (mayDiscard) await DiscardAsync(batch);
            return new UploadOutcome.Refused(problem);
        }
        catch when (mayDiscard)
        {
            await DiscardAsync(batch);
            throw;
        }
    }

    private async Task<IReadOnlyList<ManifestJob>> ReadFilesAsync(
        BatchId batch, MultipartReader form, int maxFiles, CancellationToken cancellation)
    {
        var jobs = new List<ManifestJob>();
        while (await NextSectionAsync(form, cancellation) is { } section)
        {
            // A form's other fields are none of ours, and a file input that was left empty sends a part without a name.
            if (FileName(section) is not { Length: > 0 } fileName) continue;
            if (jobs.Count == maxFiles) throw new TooManyFilesException(maxFiles);
            jobs.Add(await _intake.TakeAsync(batch, fileName, section.Body, cancellation));
        }

        return jobs;
    }

    private static async Task<MultipartSection?> NextSectionAsync(MultipartReader form, CancellationToken cancellation)
    {
        try
        {
            return await form.ReadNextSectionAsync(cancellation);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new RequestBodyException(failure);
        }
    }

    private static string? FileName(MultipartSection section)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)) return null;
        var name = disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName;
        return HeaderUtilities.RemoveQuotes(name).Value;
    }

    private IResult? ProblemOf(Exception failure) => failure switch
    {
        TooManyFilesException tooMany => Problems.TooManyFiles(tooMany.Allowed),
        RequestBodyException { InnerException: BadHttpRequestException bad } => bad.StatusCode switch
        {
            StatusCodes.Status413PayloadTooLarge => Problems.RequestTooLarge(settings.MaxRequestSize),
            StatusCodes.Status408RequestTimeout => Problems.TooSlow(),
            _ => Problems.MalformedMultipart(),
        },
        RequestBodyException => Problems.MalformedMultipart(),
        IOException => StoreFailed(failure),
        _ => null,
    };

    private IResult StoreFailed(Exception failure)
    {
        log.LogWarning("An upload was refused, the store does not take it: {Cause}", failure.Message);
        return Problems.Unavailable(settings.RetryAfter);
    }

    private async Task DiscardAsync(BatchId batch)
    {
        try
        {
            await AbandonedUploads.DiscardAsync(store, batch, CancellationToken.None);
        }
        catch (IOException failure)
        {
            log.LogWarning("Batch {Batch} is cleaned up later: {Cause}", batch, failure.Message);
        }
    }

    private sealed class TooManyFilesException(int allowed) : Exception
    {
        public int Allowed { get; } = allowed;
    }
}
