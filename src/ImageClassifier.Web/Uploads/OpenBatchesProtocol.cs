namespace ImageClassifier.Web.Uploads;

/// <summary>The commands of the <see cref="OpenBatchesActor"/>.</summary>
public static class OpenBatchesProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IOpenBatchesCommand;

    /// <summary>A result has arrived.</summary>
    /// <param name="SubmittedAt">When its job was accepted.</param>
    public sealed record ResultReceived(DateTimeOffset SubmittedAt) : IOpenBatchesCommand;
}
