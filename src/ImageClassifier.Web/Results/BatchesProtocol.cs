using ImageClassifier.Core;

namespace ImageClassifier.Web.Results;

/// <summary>What passes between the live batches and their parent.</summary>
internal static class BatchesProtocol
{
    /// <summary>A batch wants to leave memory.</summary>
    public sealed record Passivate(BatchId Batch);
}
