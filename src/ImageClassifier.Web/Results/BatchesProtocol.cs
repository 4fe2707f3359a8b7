using ImageClassifier.Core;

namespace ImageClassifier.Web.Results;

/// <summary>The messages between a live batch and its parent.</summary>
public static class BatchesProtocol
{
    /// <summary>A batch asks its parent, the <see cref="BatchesActor"/>, to let it leave memory.</summary>
    internal sealed record Passivate(BatchId Batch);

    /// <summary>No more commands follow: the batch answers the ones it has, and stops.</summary>
    public sealed record Leave
    {
        /// <summary>The only one.</summary>
        public static Leave Instance { get; } = new();
    }
}
