namespace ImageClassifier.Web.Uploads;

/// <summary>What the outbox understands.</summary>
public static class OutboxProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IOutboxCommand;

    /// <summary>Sends the messages of an accepted batch, again and again until the queue has taken all.</summary>
    public sealed record SendBatch(BatchManifest Manifest) : IOutboxCommand;
}
