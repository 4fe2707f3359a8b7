using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>The dead letters of the request queue: jobs that nodes gave up on. A redrive is the job's next attempt. It
/// deletes a failed or damaged result, so that a new one can be stored.</summary>
/// <param name="deadLetters">The request queue's dead-letter queue.</param>
/// <param name="requests">The request queue.</param>
/// <param name="store">The store.</param>
public sealed class DeadRequests(IMessageQueue deadLetters, IMessageQueue requests, IObjectStore store)
    : DeadLetterDesk(deadLetters)
{
    private const string Unreadable = "unreadable";

    private protected override async Task<IReadOnlyList<DeadLetter>> DescribeAsync(
        ReceivedMessage message, CancellationToken cancellation) => [await LetterAsync(message, cancellation)];

    /// <summary>Sends the job again as its next attempt.</summary>
    /// <remarks>
    /// The order of the writes keeps the job safe if the redrive breaks off anywhere. First the note of the attempt: it
    /// makes a failed result outdated, so nothing that sees the marker closes the batch. Then the marker, before the
    /// result is deleted: from then on the web tier sends the job again in time. The letter goes last: while it exists,
    /// the redrive can be repeated.
    /// </remarks>
    private protected override async Task<IReadOnlyList<LetterOutcome>> RedriveAsync(
        ReceivedMessage message, CancellationToken cancellation)
    {
        if (Read(message) is not { } request)
            return Outcomes(message, LetterFate.Kept, "The letter is not a request for a job; it can only be purged.");
        var manifest = await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(request.Batch), cancellation);
        if (manifest is DocumentRead<BatchManifest>.Damaged damaged)
        {
            return Outcomes(message, LetterFate.Kept,
                $"The batch's manifest {damaged.Key} is damaged. Delete the batch, or purge the letter.");
        }

        var batch = manifest.OrNull;
        if (batch?.Accepted.FirstOrDefault(job => job.Job == request.Job) is not { } job)
            return Outcomes(message, LetterFate.Dropped, "The batch was deleted.");
        var result = await ResultAsync(request, cancellation);
        if (result.OrNull is { Status: JobStatus.Classified })
            return Outcomes(message, LetterFate.Dropped, "The picture was classified meanwhile.");

        if (await store.FindStopAsync(request.Batch, cancellation) is { } cause)
        {
            return Outcomes(message, LetterFate.Dropped, cause == StopCause.Cancelled
                ? "The batch was cancelled."
                : "The deadline of the batch has passed.");
        }

        var attempt = await NextAttemptAsync(request, result.OrNull, cancellation);
        await store.PutAsync(
            ObjectKeys.Attempt(request.Batch, request.Job), WireJson.WriteUtf8(new JobAttempt(attempt, Lost: 0)),
            cancellation);
        await store.PutAsync(
            ObjectKeys.RedriveMarker(request.Batch, Guid.NewGuid().ToString("n")), ReadOnlyMemory<byte>.Empty,
            cancellation);
        if (result is not DocumentRead<JobResult>.Missing)
            await store.DeleteAsync(ObjectKeys.Result(request.Batch, request.Job), cancellation);

        var sent = (await requests.SendAsync([batch.Request(job, attempt).ToMessage()], cancellation))[0];
        return sent.Succeeded
            ? [new LetterOutcome(request.Job, request.Batch, LetterFate.Redriven, attempt, null)]
            : Outcomes(message, LetterFate.Kept, $"The request queue did not take the job: {sent.Reason}");
    }

    private protected override IReadOnlyList<(JobId Job, BatchId Batch)> Subjects(ReceivedMessage message) =>
        Read(message) is { } request ? [(request.Job, request.Batch)] : [];

    private async Task<DeadLetter> LetterAsync(ReceivedMessage message, CancellationToken cancellation)
    {
        if (Read(message) is not { } request)
        {
            return new DeadLetter(null, null, null, message.ReceiveCount, null, null,
                new JobError(Unreadable, "The message is not a request for a job."));
        }

        var read = await ResultAsync(request, cancellation);
        if (read is DocumentRead<JobResult>.Damaged)
        {
            return new DeadLetter(
                request.Job, request.Batch, request.Attempt, message.ReceiveCount, request.SubmittedAt,
                JobStatus.Failed,
                new JobError(JobErrorCodes.ResultDamaged, "The stored result of the job is damaged."));
        }

        return new DeadLetter(
            request.Job, request.Batch, request.Attempt, message.ReceiveCount, request.SubmittedAt,
            read.OrNull?.Status ?? JobStatus.Queued, read.OrNull?.Error);
    }

    private static ClassificationRequest? Read(ReceivedMessage message) =>
        WireJson.TryRead<ClassificationRequest>(message.Body) is { } request
        && request.Job != default && request.Batch != default
            ? request
            : null;

    /// <summary>An attempt number that no failed result and no letter has. After an interrupted redrive, or the redrive
    /// of another letter of the job, it is the noted attempt: the queue does not accept that message twice.</summary>
    private async Task<int> NextAttemptAsync(
        ClassificationRequest request, JobResult? failed, CancellationToken cancellation)
    {
        var noted = await store.ReadAttemptAsync(request.Batch, request.Job, cancellation);
        if (failed is null && noted.Attempt > request.Attempt) return noted.Attempt;
        return Math.Max(Math.Max(request.Attempt, noted.Attempt), failed?.Attempt ?? 0) + 1;
    }

    private Task<DocumentRead<JobResult>> ResultAsync(ClassificationRequest request, CancellationToken cancellation) =>
        store.ReadDocumentAsync<JobResult>(ObjectKeys.Result(request.Batch, request.Job), cancellation);
}
