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
    /// <param name="Batch">The id that the caller drew for the batch.</param>
    public sealed record Admit(BatchId Batch) : IUploadCommand;

    /// <summary>Gives the place back, whether it was granted yet or not.</summary>
    public sealed record Release(BatchId Batch) : IUploadCommand;

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

    /// <summary>The batch is accepted.</summary>
    public sealed record Committed(BatchId Batch) : IUploadAnswer;

    /// <summary>The manifest could not be stored; nothing was accepted.</summary>
    public sealed record CommitFailed(BatchId Batch) : IUploadAnswer;
}
