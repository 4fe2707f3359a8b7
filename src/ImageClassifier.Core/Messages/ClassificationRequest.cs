using ImageClassifier.Core.Ports;

namespace ImageClassifier.Core.Messages;

/// <summary>What the web tier asks of the app nodes: the body of a message of the request queue.</summary>
/// <param name="Job">The job.</param>
/// <param name="Batch">The batch it belongs to.</param>
/// <param name="ImageKey">Where the picture is in the object store.</param>
/// <param name="Attempt">1 for the first sending; a job that is sent again on purpose counts up, so that the queue's
/// deduplication does not swallow it.</param>
/// <param name="SubmittedAt">When the web tier accepted the picture, by its clock.</param>
public sealed record ClassificationRequest(
    JobId Job, BatchId Batch, string ImageKey, int Attempt, DateTimeOffset SubmittedAt)
{
    /// <summary>The id under which both queues deduplicate this attempt of the job.</summary>
    public static string DeduplicationId(JobId job, int attempt) => $"{job.Value}:{attempt}";

    /// <summary>The message that asks for this attempt.</summary>
    public OutgoingMessage ToMessage() => new(WireJson.Write(this), Job.Value, DeduplicationId(Job, Attempt));
}
