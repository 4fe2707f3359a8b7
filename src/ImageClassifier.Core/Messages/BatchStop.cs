using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>Says that no further job of a batch is begun: the object at <see cref="ObjectKeys.BatchStop"/>. The web
/// tier writes it once, and app nodes look for it.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Cause">Why.</param>
public sealed record BatchStop(BatchId Batch, StopCause Cause) : IStoredDocument
{
    /// <summary>The error of the jobs that were not begun.</summary>
    public static JobError ErrorOf(StopCause cause) => cause switch
    {
        StopCause.Cancelled => new JobError(
            JobErrorCodes.Cancelled,
            "The batch was cancelled before this picture had a result. Upload the picture again."),
        StopCause.Expired => new JobError(
            JobErrorCodes.Expired,
            "The deadline of the batch passed before this picture had a result. Upload it again with a later deadline."),
        _ => throw new ArgumentOutOfRangeException(nameof(cause)),
    };

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        Batch != default && key == ObjectKeys.BatchStop(Batch) && Enum.IsDefined(Cause);
}

/// <summary>Why no further job of a batch is begun.</summary>
public enum StopCause
{
    /// <summary>A client cancelled it.</summary>
    Cancelled,

    /// <summary>Its deadline has passed.</summary>
    Expired,
}
