using ImageClassifier.Core;

namespace ImageClassifier.Web.Uploads;

/// <summary>What the upload actor understands and answers. A request is admitted, streams its pictures into the store in
/// its own task, commits, and is released in any case.</summary>
public static class UploadProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IUploadCommand;

    /// <summary>Marks the answers.</summary>
    public interface IUploadAnswer;

    /// <summary>Asks for a place to upload; answered <see cref="Admitted"/>, perhaps after a wait, or
    /// <see cref="Overloaded"/>.</summary>
    /// <param name="Batch">The id that the caller drew for the batch; it names the place, too.</param>
    public sealed record Admit(BatchId Batch) : IUploadCommand;

    /// <summary>From the holder of a place: uploads into a batch that was begun earlier instead of its own. Answered
    /// <see cref="Admitted"/>, or <see cref="UnderWay"/> while someone else does so or its leftovers are removed.</summary>
    /// <param name="Place">The place.</param>
    /// <param name="Batch">The batch.</param>
    public sealed record ResumeBatch(BatchId Place, BatchId Batch) : IUploadCommand;

    /// <summary>Gives the place back, whether it was granted yet or not.</summary>
    /// <param name="Place">The place.</param>
    public sealed record Release(BatchId Place) : IUploadCommand;

    /// <summary>Accepts a batch whose pictures are in the store; answered <see cref="Committed"/> once its manifest
    /// is durable, or <see cref="CommitFailed"/>.</summary>
    public sealed record Commit(BatchManifest Manifest) : IUploadCommand;

    /// <summary>The request may stream.</summary>
    public sealed record Admitted : IUploadAnswer
    {
        /// <summary>The only one.</summary>
        public static Admitted Instance { get; } = new();
    }

    /// <summary>Too many uploads at once.</summary>
    /// <param name="RetryAfter">When to come back.</param>
    public sealed record Overloaded(TimeSpan RetryAfter) : IUploadAnswer;

    /// <summary>Another upload into the batch goes on.</summary>
    /// <param name="RetryAfter">When to come back.</param>
    public sealed record UnderWay(TimeSpan RetryAfter) : IUploadAnswer;

    /// <summary>The batch is accepted.</summary>
    /// <param name="Manifest">The stored manifest: the committed one, or the one that was stored before it.</param>
    public sealed record Committed(BatchManifest Manifest) : IUploadAnswer;

    /// <summary>The manifest could not be stored; nothing was accepted.</summary>
    public sealed record CommitFailed(BatchId Batch) : IUploadAnswer;
}
