namespace ImageClassifier.Web.Results;

/// <summary>The messages of the result listener.</summary>
public static class ResultListenerProtocol
{
    /// <summary>Marks what the listener tells other actors.</summary>
    public interface IResultEvent;

    /// <summary>Stops polling and finishes the responses in hand. The answer is
    /// <see cref="ListenerDrained"/>.</summary>
    public sealed record DrainListener
    {
        /// <summary>The only one.</summary>
        public static DrainListener Instance { get; } = new();
    }

    /// <summary>The listener has no response in hand.</summary>
    public sealed record ListenerDrained
    {
        /// <summary>The only one.</summary>
        public static ListenerDrained Instance { get; } = new();
    }

    /// <summary>Results of a batch have arrived. Sent to the <c>OpenBatchesActor</c>.</summary>
    /// <param name="SubmittedAt">When the batch was accepted.</param>
    public sealed record ResultReceived(DateTimeOffset SubmittedAt) : IResultEvent;
}
