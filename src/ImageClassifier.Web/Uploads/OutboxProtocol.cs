using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>The commands of the outbox.</summary>
public static class OutboxProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IOutboxCommand;

    /// <summary>Sends the messages of a new batch, with retries until the queue has accepted all.</summary>
    public sealed record SendBatch(BatchManifest Manifest) : IOutboxCommand;

    /// <summary>Sends a batch that is not marked as sent, unless it is being sent.</summary>
    public sealed record SendUnsent(BatchId Batch) : IOutboxCommand;

    /// <summary>Sends further attempts of jobs, with retries until the queue has accepted all.</summary>
    public sealed record SendAgain(IReadOnlyList<ClassificationRequest> Requests) : IOutboxCommand;

    /// <summary>Identifies the contents of the request queue. Batches that were sent to other contents are sent
    /// again.</summary>
    public sealed record QueueIdentified(string Contents) : IOutboxCommand;
}
