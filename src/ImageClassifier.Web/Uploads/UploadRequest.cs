using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>The outcome of an upload request.</summary>
internal abstract record UploadOutcome
{
    private UploadOutcome()
    {
    }

    /// <summary>At least one file is accepted and durable.</summary>
    public sealed record Accepted(BatchManifest Manifest) : UploadOutcome;

    /// <summary>The request was read, and none of its files is usable.</summary>
    public sealed record NothingUsable(IReadOnlyList<ManifestJob> Files) : UploadOutcome;

    /// <summary>The whole request is refused.</summary>
    public sealed record Refused(IResult Problem) : UploadOutcome;
}

/// <summary>
/// Runs one upload request in its own task: gets admitted, marks the batch as open, streams the pictures into the
/// store, and commits. A failure before the commit leaves nothing in the store. A request with an
/// <see cref="IdempotencyKey"/> that was accepted before gets the same answer again.
/// </summary>
internal sealed class UploadRequest(
    IObjectStore store, QueuePair queues, UploadSettings settings, TimeProvider time, ILogger<UploadRequest> log)
{
    // A stopping service has no more time. The sweep removes what is left.
    private static readonly TimeSpan DiscardLimit = TimeSpan.FromSeconds(5);

    private readonly UploadedFileIntake _intake = new(store, settings.MaxFileSize, settings.Formats);
    private readonly BatchClaims _claims = new(store);

    /// <summary>Runs the request.</summary>
    /// <param name="uploads">The actor that admits and commits uploads.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxFiles">How many files it may contain.</param>
    /// <param name="scope">The scope of its idempotency key.</param>
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
            log.LogWarning("An upload is refused, because the request queue is unavailable: {Cause}", failure.Message);
            return false;
        }
    }

    /// <summary>Waits for a slot up to the edge's answer time-out. False if there is none.</summary>
    private static async Task<bool> IsAdmittedAsync(IActorRef uploads, BatchId batch, CancellationToken cancellation)
    {
        try
        {
            return await uploads.Ask<IUploadAnswer>(new Admit(batch), EdgeTimeouts.Answer, cancellation)
                is not Overloaded;
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
            // The marker is written before the claim and names it, so a sweep removes both if the upload breaks off.
            await OpenAsync(incoming, cancellation);
            var named = await _claims.ClaimAsync(claim, incoming.Batch, cancellation);
            if (named != incoming.Batch)
            {
                await store.DeleteAsync(ObjectKeys.OpenMarker(incoming.Batch), cancellation);
                if (await RepeatAsync(named, incoming, cancellation) is { } repeated) return repeated;
                // The named batch was begun earlier. Its upload either still runs or broke off.
                var answer = await uploads.Ask<IUploadAnswer>(
                    new ResumeBatch(incoming.Batch, named), EdgeTimeouts.Answer, cancellation);
                if (answer is UnderWay underWay)
                    return new UploadOutcome.Refused(Problems.UploadUnderWay(underWay.RetryAfter));
                incoming = incoming with { Batch = named };
                await OpenAsync(incoming, cancellation);
                // A sweep may just have removed the batch and its claim.
                if (await _claims.ClaimAsync(claim, named, cancellation) != named)
                    return new UploadOutcome.Refused(Problems.UploadUnderWay(settings.RetryAfter));
                // The earlier upload may have committed meanwhile.
                if (await RepeatAsync(named, incoming, cancellation) is { } late) return late;
            }
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            return new UploadOutcome.Refused(problem);
        }

        return await ReadAndCommitAsync(uploads, incoming, cancellation);
    }

    /// <summary>Answers from an accepted batch; null if the batch is not accepted. The files are read to their end:
    /// they must be compared, and the client must be able to read the answer. Nothing is stored.</summary>
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
                // One file more than the batch has is enough to show a difference.
                if (sent.Count > manifest.Jobs.Count) continue;
                sent.Add(new SentFile(file.ShownName, await file.FinishAsync(cancellation)));
            }
        }

        return Outcome(manifest, sent);
    }

    /// <summary>The answer to an upload whose key names an accepted batch.</summary>
    private static UploadOutcome Outcome(BatchManifest accepted, IReadOnlyList<SentFile> sent) => accepted.Matches(sent)
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

            // From here on the manifest may exist, whatever the answer, so the pictures must stay.
            mayDiscard = false;
            var manifest = new BatchManifest(batch, time.GetUtcNow(), jobs) { Claim = incoming.Claim };
            var commit = await uploads.Ask<IUploadAnswer>(new Commit(manifest), EdgeTimeouts.Answer, cancellation);
            // An earlier upload with the same key may have committed late. Then its manifest is the stored one.
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
        log.LogWarning("An upload is refused, because the store does not accept it: {Cause}", failure.Message);
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
            // An earlier upload with the same key may have committed late.
            if (incoming.Claim is not null && await store.ExistsAsync(ObjectKeys.Manifest(batch), limit.Token))
                return;
            await AbandonedUploads.DiscardAsync(store, batch, incoming.Claim, limit.Token);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            log.LogWarning("Batch {Batch} is cleaned up by a later sweep, not now: {Cause}", batch, failure.Message);
        }
    }

    /// <summary>A request whose files are still unread.</summary>
    /// <param name="Batch">The batch that it uploads into.</param>
    /// <param name="Form">Its body.</param>
    /// <param name="MaxFiles">How many files it may contain.</param>
    /// <param name="Claim">The digest of its idempotency key; null if it has none.</param>
    private sealed record Incoming(BatchId Batch, UploadForm Form, int MaxFiles, string? Claim);

    private sealed class TooManyFilesException(int allowed) : Exception
    {
        public int Allowed { get; } = allowed;
    }
}
