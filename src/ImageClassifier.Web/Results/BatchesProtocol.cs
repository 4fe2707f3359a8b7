using ImageClassifier.Core;

namespace ImageClassifier.Web.Results;

/// <summary>What passes between the live batches and their parent.</summary>
internal static class BatchesProtocol
{
    /// <summary>A batch wants to leave memory.</summary>
    public sealed record Passivate(BatchId Batch);

    /// <summary>Room is wanted: a batch that no one waits for leaves.</summary>
    public sealed record MakeRoom
    {
        /// <summary>The only one.</summary>
        public static MakeRoom Instance { get; } = new();
    }

    /// <summary>Nothing more comes for the batch: it answers what it has, and leaves.</summary>
    public sealed record Leave
    {
        /// <summary>The only one.</summary>
        public static Leave Instance { get; } = new();
    }
}
