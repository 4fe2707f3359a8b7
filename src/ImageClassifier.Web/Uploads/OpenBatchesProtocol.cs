namespace ImageClassifier.Web.Uploads;

/// <summary>What is said to the <see cref="OpenBatchesActor"/>.</summary>
internal static class OpenBatchesProtocol
{
    /// <summary>A job has come back from the app nodes.</summary>
    /// <param name="SubmittedAt">When it was accepted.</param>
    public sealed record JobCameBack(DateTimeOffset SubmittedAt);
}
