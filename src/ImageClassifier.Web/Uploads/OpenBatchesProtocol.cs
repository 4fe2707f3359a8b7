namespace ImageClassifier.Web.Uploads;

/// <summary>The messages to the <see cref="OpenBatchesActor"/>.</summary>
internal static class OpenBatchesProtocol
{
    /// <summary>A result has arrived.</summary>
    /// <param name="SubmittedAt">When its job was accepted.</param>
    public sealed record ResultReceived(DateTimeOffset SubmittedAt);
}
