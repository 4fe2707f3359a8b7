using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
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
/// commits. Whatever goes wrong before the commit leaves nothing behind. A request that names itself by an
/// <see cref="IdempotencyKey"/> and was accepted before is answered with what it was answered then.
/// </summary>
internal sealed class UploadRequest(
    IObjectStore store, QueuePair queues, UploadSettings settings, TimeProvider time, ILogger<UploadRequest> log)
{
    // What is left then, the sweep removes; a stopping service has no more time than this.
    private static readonly TimeSpan DiscardLimit = TimeSpan.FromSeconds(5);

    private readonly PictureIntake _intake = new(store, settings.MaxFileSize, settings.Formats);
    private readonly BatchClaims _claims = new(store);

    /// <summary>Runs the request.</summary>
    /// <param name="uploads">Where uploads are admitted and committed.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxFiles">How many files it may have.</param>
    /// <param name="scope">Within what its idempotency key names it.</param>
    public async Task<UploadOutcome> RunAsync(
        IActorRef uploads, HttpRequest request, int maxFiles, IdempotencyScope scope)
    {
        LimitedBody.LiftServerLimit(request.HttpContext);
        if (request.ContentLength > settings.MaxRequestSize)
            return new UploadOutcome.Refused(Problems.RequestTooLarge(settings.MaxRequestSize));
        if (MultipartBoundary.Find(request.ContentType) is not { } boundary)
            return new UploadOutcome.Refused(Problems.NotMultipart());
        var ofCaller = scope with { Caller = Caller.Of(request.HttpContext).Key };
        if (!IdempotencyKey.TryRead(request.Headers, ofCaller, out var claim))
            return new UploadOutcome.Refused(Problems.NoIdempotencyKey());
        if (!await QueueTakesMessagesAsync(request.HttpContext.RequestAborted))
            return new UploadOutcome.Refused(Problems.QueueUnavailable(settings.RetryAfter));

        var form = new UploadForm(boundary, new LimitedBody(request.Body, settings.MaxRequestSize));
        var cancellation = request.HttpContext.RequestAborted;
        var batch = BatchId.New();
        try
        {
            return await IsAdmittedAsync(uploads, batch, cancellation)
                ? await UploadOnceAsync(uploads, new Incoming(batch, form, maxFiles, claim), cancellation)
                : new UploadOutcome.Refused(Problems.Overloaded(settings.RetryAfter));
        }
        finally
        {
            uploads.Tell(new Release(batch));
        }
    }

    private async Task<bool> QueueTakesMessagesAsync(CancellationToken cancellation)
    {
        try
        {
            await queues.Requests.CheckAsync(cancellation);
            return true;
        }
        catch (QueueUnavailableException failure)
        {
            log.LogWarning("An upload was refused, the request queue takes nothing: {Cause}", failure.Message);
            return false;
        }
    }

    /// <summary>Whether there is a place, now or after waiting for one as long as an answer may take.</summary>
    private static async Task<bool> IsAdmittedAsync(IActorRef uploads, BatchId batch, CancellationToken cancellation)
    {
        try
        {
            return await uploads.Ask<IUploadAnswer>(new Admit(batch), EdgeTimeouts.Answer, cancellation) is not Overloaded;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }

    /// <summary>Uploads, unless the request was accepted before.</summary>
    private async Task<UploadOutcome> UploadOnceAsync(
        IActorRef uploads, Incoming incoming, CancellationToken cancellation)
    {
        if (incoming.Claim is not { } claim) return await ReadAndCommitAsync(uploads, incoming, cancellation);

        try
        {
            // The marker comes before the claim, and names it: a claim whose upload broke off is swept away with it.
            await OpenAsync(incoming, cancellation);
            var named = await _claims.ClaimAsync(claim, incoming.Batch, cancellation);
            if (named != incoming.Batch)
            {
                await store.DeleteAsync(ObjectKeys.OpenMarker(incoming.Batch), cancellation);
                if (await RepeatAsync(named, incoming, cancellation) is { } repeated) return repeated;
                // It was begun earlier, and either still goes on or broke off.
                var answer = await uploads.Ask<IUploadAnswer>(
                    new ResumeBatch(incoming.Batch, named), EdgeTimeouts.Answer, cancellation);
                if (answer is UnderWay underWay)
                    return new UploadOutcome.Refused(Problems.UploadUnderWay(underWay.RetryAfter));
                incoming = incoming with { Batch = named };
                await OpenAsync(incoming, cancellation);
                // A sweep may have removed the batch with its claim just before.
                if (await _claims.ClaimAsync(claim, named, cancellation) != named)
                    return new UploadOutcome.Refused(Problems.UploadUnderWay(settings.RetryAfter));
                // It may have come to its end meanwhile.
                if (await RepeatAsync(named, incoming, cancellation) is { } late) return late;
            }
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            return new UploadOutcome.Refused(problem);
        }

        return await ReadAndCommitAsync(uploads, incoming, cancellation);
    }

    /// <summary>Answers with a batch that was accepted before; null when it was not. The files are read to their end,
    /// so that they can be compared and the client gets to read the answer; nothing of them is stored.</summary>
    private async Task<UploadOutcome?> RepeatAsync(BatchId batch, Incoming incoming, CancellationToken cancellation)
    {
        var read = await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation);
        if (read is DocumentRead<BatchManifest>.Damaged) return new UploadOutcome.Refused(Problems.BatchDamaged());
        if (read.OrNull is not { } manifest) return null;

        var sent = new List<SentFile>();
        while (await incoming.Form.NextFileAsync(cancellation) is { } file)
        {
            using (file)
            {
                // One more than there were is enough to tell.
                if (sent.Count > manifest.Jobs.Count) continue;
                sent.Add(new SentFile(file.ShownName, await file.FinishAsync(cancellation)));
            }
        }

        return Outcome(manifest, sent);
    }

    /// <summary>What an upload is answered whose key names an accepted batch.</summary>
    private static UploadOutcome Outcome(BatchManifest accepted, IReadOnlyList<SentFile> sent) => accepted.Has(sent)
        ? new UploadOutcome.Accepted(accepted)
        : new UploadOutcome.Refused(Problems.IdempotencyKeyReused());

    private async Task<UploadOutcome> ReadAndCommitAsync(
        IActorRef uploads, Incoming incoming, CancellationToken cancellation)
    {
        var batch = incoming.Batch;
        var mayDiscard = true;
        try
        {
            if (incoming.Claim is null) await OpenAsync(incoming, cancellation);
            var jobs = await ReadFilesAsync(incoming, cancellation);
            if (!jobs.Any(job => job.ImageKey is not null))
            {
                await DiscardAsync(incoming);
                return new UploadOutcome.NothingUsable(jobs);
            }

            // From here on the manifest may be there, whatever the answer: then the pictures must stay.
            mayDiscard = false;
            var manifest = new BatchManifest(batch, time.GetUtcNow(), jobs) { Claim = incoming.Claim };
            var commit = await uploads.Ask<IUploadAnswer>(new Commit(manifest), EdgeTimeouts.Answer, cancellation);
            // An earlier upload under the same key may have come to its manifest late: then that one is stored.
            return commit is Committed { Manifest: var stored }
                ? Outcome(stored, [.. jobs.Select(job => job.Sent)])
                : new UploadOutcome.Refused(Problems.Unavailable(settings.RetryAfter));
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            if (mayDiscard) await DiscardAsync(incoming);
            return new UploadOutcome.Refused(problem);
        }
        catch when (mayDiscard)
        {
            await DiscardAsync(incoming);
            throw;
        }
    }

    private Task OpenAsync(Incoming incoming, CancellationToken cancellation) =>
        store.PutAsync(ObjectKeys.OpenMarker(incoming.Batch), UploadMarker.Content(incoming.Claim), cancellation);

    private async Task<IReadOnlyList<ManifestJob>> ReadFilesAsync(Incoming incoming, CancellationToken cancellation)
    {
        var jobs = new List<ManifestJob>();
        while (await incoming.Form.NextFileAsync(cancellation) is { } file)
        {
            using (file)
            {
                if (jobs.Count == incoming.MaxFiles) throw new TooManyFilesException(incoming.MaxFiles);
                jobs.Add(await _intake.TakeAsync(incoming.Batch, file, cancellation));
            }
        }

        return jobs;
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
        return failure is IPermanentRefusal
            ? Problems.NotPermitted(settings.RetryAfter)
            : Problems.Unavailable(settings.RetryAfter);
    }

    private async Task DiscardAsync(Incoming incoming)
    {
        var batch = incoming.Batch;
        using var limit = new CancellationTokenSource(DiscardLimit, time);
        try
        {
            // An earlier upload under the same key may have come to its manifest late.
            if (incoming.Claim is not null && await store.ExistsAsync(ObjectKeys.Manifest(batch), limit.Token))
                return;
            await AbandonedUploads.DiscardAsync(store, batch, incoming.Claim, limit.Token);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            log.LogWarning("Batch {Batch} is cleaned up later: {Cause}", batch, failure.Message);
        }
    }

    /// <summary>A request as far as it is read.</summary>
    /// <param name="Batch">The batch that it uploads into.</param>
    /// <param name="Form">Its body.</param>
    /// <param name="MaxFiles">How many files it may have.</param>
    /// <param name="Claim">What stands for its idempotency key; null where it has none.</param>
    private sealed record Incoming(BatchId Batch, UploadForm Form, int MaxFiles, string? Claim);

    private sealed class TooManyFilesException(int allowed) : Exception
    {
        public int Allowed { get; } = allowed;
    }
}
