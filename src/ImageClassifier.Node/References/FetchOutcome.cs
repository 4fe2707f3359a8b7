using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Jobs;

namespace ImageClassifier.Node.References;

/// <summary>The outcome of a fetch, or of one of its tries.</summary>
internal abstract record FetchOutcome
{
    private FetchOutcome()
    {
    }

    /// <summary>The file is there, and of an allowed format. The receiver disposes of it.</summary>
    public sealed record Fetched(PooledBytes Bytes) : FetchOutcome;

    /// <summary>The picture cannot be fetched.</summary>
    /// <param name="Error">Why.</param>
    /// <param name="MostTries">The most tries of such a failure, including the first.</param>
    public sealed record Failed(JobError Error, int MostTries = 1) : FetchOutcome;
}
