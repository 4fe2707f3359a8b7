namespace ImageClassifier.Web.Results;

/// <summary>What the result listener understands.</summary>
public static class ResultListenerProtocol
{
    /// <summary>Takes no more responses, and finishes those in hand; answered <see cref="ListenerDrained"/>.</summary>
    public sealed record DrainListener
    {
        /// <summary>The only one.</summary>
        public static DrainListener Instance { get; } = new();
    }

    /// <summary>Nothing is in hand any more.</summary>
    public sealed record ListenerDrained
    {
        /// <summary>The only one.</summary>
        public static ListenerDrained Instance { get; } = new();
    }
}
