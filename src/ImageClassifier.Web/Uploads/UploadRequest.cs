using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
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
    IObjectStore store,
    QueuePair queues,
    UploadSettings settings,
    UploadLimit limit,
    ModelChoice models,
    CallbackRequests callbacks,
    ReferenceSettings references,
    RepeatFinder repeats,
    TimeProvider time,
    ILogger<UploadRequest> log)
{
    /// <summary>How the whole request can be refused.</summary>
    public static readonly ProblemKind[] Failures =
    [
        ProblemKinds.NotMultipart, ProblemKinds.EncodedBody, ProblemKinds.MalformedMultipart,
        ProblemKinds.NoIdempotencyKey, ProblemKinds.IdempotencyKeyReused, ProblemKinds.UploadUnderWay,
        ProblemKinds.CallbackMalformed, ProblemKinds.NoCallbackSecret, ProblemKinds.DeadlineUnusable,
        ProblemKinds.TooManyFiles, ProblemKinds.RequestTooLarge, ProblemKinds.TooSlow, ProblemKinds.Overloaded,
        ProblemKinds.Unavailable, ProblemKinds.QueueUnavailable, ProblemKinds.NotPermitted, ProblemKinds.BatchDamaged,
    ];

    // Longer discarding would delay a service that stops. The sweep deletes the remaining objects.
    private static readonly TimeSpan DiscardLimit = TimeSpan.FromSeconds(5);

    private const string NotEncoded = "identity";

    // Each file has a buffer of 64 KiB meanwhile.
    private const int StoredAtOnce = 2;

    private readonly UploadedFileIntake _intake = new(store, settings.MaxFileSize, settings.Formats);
    private readonly BatchClaims _claims = new(store);
    private readonly UploadResumption _resumption = new(store, settings.AbandonedAfter);

    /// <summary>Runs the request.</summary>
    /// <param name="uploads">The actor that commits uploads.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxFiles">How many files it may contain.</param>
    /// <param name="scope">The scope of its idempotency key.</param>
    public async Task<UploadOutcome> RunAsync(
        IActorRef uploads, HttpRequest request, int maxFiles, IdempotencyScope scope)
    {
        LimitedBody.LiftServerLimit(request.HttpContext);
        if (request.ContentLength > settings.MaxRequestSize)
            return new UploadOutcome.Refused(Problems.RequestTooLarge(settings.MaxRequestSize));
        if (IsEncoded(request)) return new UploadOutcome.Refused(Problems.EncodedBody());
        if (BodyOf(request, scope) is not { } body) return new UploadOutcome.Refused(Problems.NotMultipart());
        var ofCaller = scope with { Caller = Caller.Of(request.HttpContext).Key };
        if (!IdempotencyKey.TryRead(request.Headers, ofCaller, out var claim))
            return new UploadOutcome.Refused(Problems.NoIdempotencyKey());
        if (!await QueueTakesMessagesAsync(request.HttpContext.RequestAborted))
            return new UploadOutcome.Refused(Problems.QueueUnavailable(settings.RetryAfter));

        var cancellation = request.HttpContext.RequestAborted;
        using var slot = await limit.EnterAsync(cancellation);
        return slot is not null
            ? await UploadOnceAsync(
                uploads, new Incoming(BatchId.New(), body, maxFiles, claim, ofCaller.Caller), cancellation)
            : new UploadOutcome.Refused(Problems.Overloaded(settings.RetryAfter));
    }

    private static bool IsEncoded(HttpRequest request) =>
        request.Headers.ContentEncoding.Any(coding => !string.Equals(coding, NotEncoded, StringComparison.OrdinalIgnoreCase));

    /// <summary>The body of a form, or of a list of references where the call takes one; null if it is neither.</summary>
    private IUploadBody? BodyOf(HttpRequest request, IdempotencyScope scope)
    {
        if (scope == IdempotencyScope.Batches && ReferenceList.IsTypeOf(request))
            return new ReferenceList(request.Body, references.Rules);
        return MultipartBoundary.Find(request.ContentType) is { } boundary
            ? new UploadForm(boundary, new LimitedBody(request.Body, settings.MaxRequestSize))
            : null;
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

    /// <summary>Uploads, unless the request was accepted before.</summary>
    private async Task<UploadOutcome> UploadOnceAsync(
        IActorRef uploads, Incoming incoming, CancellationToken cancellation)
    {
        // The marker is written before the claim and names it, so a sweep removes both if the upload breaks off.
        await using var opened = new RunningUpload(store, incoming.Batch, incoming.Claim, time);
        BatchId named;
        try
        {
            await opened.OpenAsync(cancellation);
            named = incoming.Claim is null
                ? incoming.Batch
                : await _claims.ClaimAsync(incoming.Claim, incoming.Batch, cancellation);
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            return new UploadOutcome.Refused(problem);
        }

        return named == incoming.Batch
            ? await ReadAndCommitAsync(uploads, incoming, opened, cancellation)
            : await RepeatOrResumeAsync(uploads, incoming, opened, named, cancellation);
    }

    /// <summary>Answers a request whose key names an earlier batch. If the upload of that batch broke off, this
    /// request resumes it.</summary>
    private async Task<UploadOutcome> RepeatOrResumeAsync(
        IActorRef uploads, Incoming incoming, RunningUpload own, BatchId named, CancellationToken cancellation)
    {
        await using var resumed = new RunningUpload(store, named, incoming.Claim, time);
        try
        {
            await own.StopRenewingAsync();
            var mayResume = await _resumption.MayResumeAsync(incoming.Batch, named, cancellation);
            await store.DeleteAsync(ObjectKeys.OpenMarker(incoming.Batch), cancellation);
            incoming = incoming with { Batch = named };
            if (await RepeatAsync(named, incoming, cancellation) is { } repeated) return repeated;
            if (!mayResume || !await IsResumedAsync(resumed, incoming.Claim!, cancellation)) return UnderWay();
            // The earlier upload may have committed meanwhile.
            if (await RepeatAsync(named, incoming, cancellation) is { } late) return late;
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            return new UploadOutcome.Refused(problem);
        }

        return await ReadAndCommitAsync(uploads, incoming, resumed, cancellation);
    }

    /// <summary>Takes over the batch of an upload that broke off. False if a sweep removes the batch, or if another
    /// request was faster.</summary>
    private async Task<bool> IsResumedAsync(RunningUpload resumed, string claim, CancellationToken cancellation)
    {
        await resumed.OpenAsync(cancellation);
        if (await _claims.ClaimAsync(claim, resumed.Batch, cancellation) != resumed.Batch) return false;
        if (!await IsEntombedAsync(resumed.Batch, cancellation)) return await resumed.IsOwnerAsync(cancellation);
        // This batch can never be accepted. Without the claim, the next request begins a new one.
        await _claims.ReleaseAsync(claim, resumed.Batch, cancellation);
        return false;
    }

    private async Task<bool> IsEntombedAsync(BatchId batch, CancellationToken cancellation)
    {
        var key = ObjectKeys.Manifest(batch);
        return await store.ExistsAsync(key, cancellation)
            && await store.ReadDocumentAsync<BatchManifest>(key, cancellation) is DocumentRead<BatchManifest>.Missing;
    }

    private UploadOutcome.Refused UnderWay() => new(Problems.UploadUnderWay(settings.RetryAfter));

    /// <summary>Answers from an accepted batch; null if the batch is not accepted. The files are read to their end:
    /// they must be compared, and the client must be able to read the answer. Nothing is stored.</summary>
    private async Task<UploadOutcome?> RepeatAsync(BatchId batch, Incoming incoming, CancellationToken cancellation)
    {
        var read = await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation);
        if (read is DocumentRead<BatchManifest>.Damaged) return new UploadOutcome.Refused(Problems.BatchDamaged());
        if (read.OrNull is not { } manifest) return null;

        var sent = new List<SentFile>();
        while (await incoming.Body.NextFileAsync(cancellation) is { } file)
        {
            using (file)
            {
                // One file more than the batch has is enough to show a difference.
                if (sent.Count > manifest.Jobs.Count) continue;
                sent.Add(await file.IdentifyAsync(cancellation));
            }
        }

        return Outcome(manifest, sent);
    }

    /// <summary>The answer to an upload whose key names an accepted batch.</summary>
    private static UploadOutcome Outcome(BatchManifest accepted, IReadOnlyList<SentFile> sent) => accepted.Matches(sent)
        ? new UploadOutcome.Accepted(accepted)
        : new UploadOutcome.Refused(Problems.IdempotencyKeyReused());

    private async Task<UploadOutcome> ReadAndCommitAsync(
        IActorRef uploads, Incoming incoming, RunningUpload running, CancellationToken cancellation)
    {
        var batch = incoming.Batch;
        var mayDiscard = true;
        var isCommitted = false;
        try
        {
            repeats.Prepare();
            var jobs = await ReadFilesAsync(incoming, cancellation);
            if (jobs.All(job => job.Refusal is not null))
            {
                await DiscardAsync(incoming, running);
                return new UploadOutcome.NothingUsable(jobs);
            }

            if (callbacks.Check(incoming.Body.Callback, incoming.Body.CallbackEvents, incoming.Key, out var callback)
                is { } fault)
            {
                await DiscardAsync(incoming, running);
                return new UploadOutcome.Refused(fault);
            }

            if (BatchDeadline.Read(incoming.Body.Deadline, time.GetUtcNow(), out var deadline) is { } wrong)
            {
                await DiscardAsync(incoming, running);
                return new UploadOutcome.Refused(Problems.DeadlineUnusable(wrong));
            }

            var chosen = await models.ForAsync(batch, cancellation);
            var found = await repeats.FindAsync(jobs, chosen, incoming.Key, cancellation);
            // A renewal after the commit could restore the marker of a finished batch.
            await running.StopRenewingAsync();
            if (!await running.IsOwnerAsync(cancellation)) return Lost(incoming);
            // From here on the manifest may exist, whatever the answer, so the pictures must stay.
            mayDiscard = false;
            // Sweeps find the deadline by this marker, without reading the manifest.
            if (deadline is { } end)
                await store.PutAsync(ObjectKeys.StopMarker(batch, end), ReadOnlyMemory<byte>.Empty, cancellation);
            var manifest = new BatchManifest(batch, time.GetUtcNow(), found.Jobs)
            {
                Claim = incoming.Claim,
                Model = chosen.Model,
                Fallback = chosen.Fallback,
                Callback = callback,
                Deadline = deadline,
                RepeatScope = found.Scope,
            };
            var commit = await uploads.Ask<IUploadAnswer>(new Commit(manifest), EdgeTimeouts.Answer, cancellation);
            isCommitted = commit is Committed;
            // An earlier upload with the same key may have committed late. Then its manifest is the stored one.
            return commit is Committed { Manifest: var stored }
                ? Outcome(stored, [.. jobs.Select(job => job.Sent)])
                : new UploadOutcome.Refused(Problems.Unavailable(settings.RetryAfter));
        }
        catch (Exception failure) when (ProblemOf(failure) is { } problem)
        {
            if (mayDiscard) await DiscardAsync(incoming, running);
            return new UploadOutcome.Refused(problem);
        }
        catch when (mayDiscard)
        {
            await DiscardAsync(incoming, running);
            throw;
        }
        finally
        {
            if (!mayDiscard && !isCommitted) await MarkEndedAsync(running);
        }
    }

    /// <summary>The answer to an upload whose batch was removed or taken over while its process was paused.</summary>
    private UploadOutcome.Refused Lost(Incoming incoming)
    {
        log.LogWarning("Batch {Batch} is not accepted, because its marker is gone or names another upload",
            incoming.Batch);
        return incoming.Claim is null
            ? new UploadOutcome.Refused(Problems.Unavailable(settings.RetryAfter))
            : UnderWay();
    }

    private async Task MarkEndedAsync(RunningUpload running)
    {
        using var limit = new CancellationTokenSource(DiscardLimit, time);
        try
        {
            await running.MarkEndedAsync(limit.Token);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            log.LogWarning("Batch {Batch} can be resumed in 15 s, not now: {Cause}",
                running.Batch, failure.Message);
        }
    }

    private async Task<IReadOnlyList<ManifestJob>> ReadFilesAsync(Incoming incoming, CancellationToken cancellation)
    {
        var jobs = new List<Task<ManifestJob>>();
        try
        {
            while (await incoming.Body.NextFileAsync(cancellation) is { } file)
            {
                using (file)
                {
                    if (jobs.Count == incoming.MaxFiles) throw new TooManyFilesException(incoming.MaxFiles);
                    jobs.Add((await _intake.TakeAsync(incoming.Batch, file, cancellation)).Job);
                }

                if (jobs.Count >= StoredAtOnce) await jobs[^StoredAtOnce];
            }

            return await Task.WhenAll(jobs);
        }
        catch
        {
            // What is stored after the batch is discarded would stay.
            Task stored = Task.WhenAll(jobs);
            await stored.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private IResult? ProblemOf(Exception failure) => failure switch
    {
        TooManyFilesException tooMany => Problems.TooManyFiles(tooMany.Allowed),
        RefusedBodyException refused => refused.Problem,
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

    private async Task DiscardAsync(Incoming incoming, RunningUpload running)
    {
        var batch = incoming.Batch;
        using var limit = new CancellationTokenSource(DiscardLimit, time);
        try
        {
            await running.StopRenewingAsync();
            // Another request may have resumed the batch while this process was paused.
            if (!await running.IsOwnerAsync(limit.Token)) return;
            await new AbandonedUploads(store, settings.AbandonedAfter)
                .DiscardAsync(batch, incoming.Claim, time.GetUtcNow(), running, limit.Token);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            log.LogWarning("Batch {Batch} is cleaned up by a later sweep, not now: {Cause}", batch, failure.Message);
        }
    }

    /// <summary>A request whose files are still unread.</summary>
    /// <param name="Batch">The batch that it uploads into.</param>
    /// <param name="Body">Its body.</param>
    /// <param name="MaxFiles">How many files it may contain.</param>
    /// <param name="Claim">The digest of its idempotency key; null if it has none.</param>
    /// <param name="Key">The name of the caller's API key; null without keys.</param>
    private sealed record Incoming(BatchId Batch, IUploadBody Body, int MaxFiles, string? Claim, string? Key);

    private sealed class TooManyFilesException(int allowed) : Exception
    {
        public int Allowed { get; } = allowed;
    }
}
