using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Uploads;

/// <summary>What the outbox understands.</summary>
public static class OutboxProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IOutboxCommand;

    /// <summary>Sends the messages of an accepted batch, again and again until the queue has taken all.</summary>
    public sealed record SendBatch(BatchManifest Manifest) : IOutboxCommand;

    /// <summary>Sends the messages of a batch that are not noted as sent, unless that is under way.</summary>
    public sealed record SendUnsent(BatchId Batch) : IOutboxCommand;

    /// <summary>Sends jobs as the attempts that the requests name, again and again until the queue has taken
    /// all.</summary>
    public sealed record SendAgain(IReadOnlyList<ClassificationRequest> Requests) : IOutboxCommand;

    /// <summary>Tells what the request queue names its contents. Batches that were sent under another name are sent
    /// again.</summary>
    public sealed record QueueKnown(string Contents) : IOutboxCommand;
}
