using ImageClassifier.Core.Registry;

namespace ImageClassifier.Core.Messages;

/// <summary>A job for the app nodes: the body of a message of the request queue.</summary>
/// <param name="Job">The job.</param>
/// <param name="Batch">The batch of the job.</param>
/// <param name="ImageKey">The key of the picture in the object store; null if the request has a
/// <see cref="Reference"/>. Nodes of earlier versions hand back a request without a key.</param>
/// <param name="Attempt">1 for the first attempt. A job that is sent again on purpose counts up, or the queue's
/// deduplication would drop the message.</param>
/// <param name="SubmittedAt">The time at which the web tier accepted the picture, by its clock.</param>
public sealed record ClassificationRequest(
    JobId Job, BatchId Batch, string? ImageKey, int Attempt, DateTimeOffset SubmittedAt)
{
    /// <summary>Where the node fetches the picture; null if the picture is in the object store.</summary>
    public PictureReference? Reference { get; init; }

    /// <summary>The model of the batch; null for the model of the node's setting.</summary>
    public ModelReference? Model { get; init; }

    /// <summary>The model to use if <see cref="Model"/> cannot be used; null for the model of the node's setting.</summary>
    public ModelReference? Fallback { get; init; }

    /// <summary>True if the batch has more jobs, so that its nodes must agree on a model. False in messages of earlier
    /// versions.</summary>
    public bool SharesBatch { get; init; }

    /// <summary>The time after which the job is not begun any more; null for none.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>The deduplication id of this attempt, in both queues.</summary>
    public static string DeduplicationId(JobId job, int attempt) => $"{job.Value}:{attempt}";

    /// <summary>The message for this attempt.</summary>
    public OutgoingMessage ToMessage() => new(WireJson.Write(this), Job.Value, DeduplicationId(Job, Attempt));
}
