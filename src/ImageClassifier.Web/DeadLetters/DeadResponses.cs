using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>The dead letters of the response queue: results that the web tier could not process. The results are in the
/// store anyway. A redrive notifies the clients that follow the batch now.</summary>
/// <param name="deadLetters">The response queue's dead-letter queue.</param>
/// <param name="responses">The response queue.</param>
public sealed class DeadResponses(IMessageQueue deadLetters, IMessageQueue responses) : DeadLetterDesk(deadLetters)
{
    private protected override Task<DeadLetter> DescribeAsync(
        ReceivedMessage message, CancellationToken cancellation) =>
        Task.FromResult(Read(message) is { } result
            ? new DeadLetter(
                result.Job, result.Batch, result.Attempt, message.ReceiveCount, null, result.Status, result.Error)
            : new DeadLetter(null, null, null, message.ReceiveCount, null, null,
                new JobError("unreadable", "The message is not the result of a job.")));

    private protected override async Task<LetterOutcome> RedriveAsync(
        ReceivedMessage message, CancellationToken cancellation)
    {
        if (Read(message) is not { } result)
            return Outcome(message, LetterFate.Kept, "The letter is not the result of a job; it can only be purged.");

        // The same message is sent on purpose, so a new deduplication id keeps the queue from dropping it.
        var again = new OutgoingMessage(message.Body, message.GroupId, $"{result.Job}:{Guid.NewGuid():n}");
        var sent = (await responses.SendAsync([again], cancellation))[0];
        return sent.Succeeded
            ? new LetterOutcome(result.Job, result.Batch, LetterFate.Redriven, result.Attempt, null)
            : Outcome(message, LetterFate.Kept, $"The response queue did not take the result: {sent.Reason}");
    }

    private protected override (JobId Job, BatchId Batch)? Subject(ReceivedMessage message) =>
        Read(message) is { } result ? (result.Job, result.Batch) : null;

    private static JobResult? Read(ReceivedMessage message) =>
        WireJson.TryRead<JobResult>(message.Body) is { } result && result.Job != default && result.Batch != default
            ? result
            : null;
}
