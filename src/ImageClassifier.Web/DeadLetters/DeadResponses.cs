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
    private protected override Task<IReadOnlyList<DeadLetter>> DescribeAsync(
        ReceivedMessage message, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DeadLetter>>(Read(message) is { Count: > 0 } results
            ? [.. results.Select(result => new DeadLetter(
                result.Job, result.Batch, result.Attempt, message.ReceiveCount, null, result.Status, result.Error))]
            : [new DeadLetter(null, null, null, message.ReceiveCount, null, null,
                new JobError("unreadable", "The message is not the result of a job."))]);

    private protected override async Task<IReadOnlyList<LetterOutcome>> RedriveAsync(
        ReceivedMessage message, CancellationToken cancellation)
    {
        var results = Read(message);
        if (results.Count == 0)
            return Outcomes(message, LetterFate.Kept, "The letter is not the result of a job; it can only be purged.");

        // The same message is sent on purpose, so a new deduplication id keeps the queue from dropping it.
        var again = new OutgoingMessage(message.Body, message.GroupId, $"{results[0].Job}:{Guid.NewGuid():n}");
        var sent = (await responses.SendAsync([again], cancellation))[0];
        return sent.Succeeded
            ? [.. results.Select(result =>
                new LetterOutcome(result.Job, result.Batch, LetterFate.Redriven, result.Attempt, null))]
            : Outcomes(message, LetterFate.Kept, $"The response queue did not take the result: {sent.Reason}");
    }

    private protected override IReadOnlyList<(JobId Job, BatchId Batch)> Subjects(ReceivedMessage message) =>
        [.. Read(message).Select(result => (result.Job, result.Batch))];

    /// <summary>The results of a message; none if it is unreadable.</summary>
    private static IReadOnlyList<JobResult> Read(ReceivedMessage message) =>
        ResultMessage.TryRead(message.Body) is { } results
        && results.All(result => result.Job != default && result.Batch != default)
            ? results
            : [];
}
