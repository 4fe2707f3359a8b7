using ImageClassifier.Core;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>The commands and answers of the upload actor. A request is admitted, streams its pictures into the store in
/// its own task, commits, and always releases its slot.</summary>
public static class UploadProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IUploadCommand;

    /// <summary>Marks the answers.</summary>
    public interface IUploadAnswer;

    /// <summary>Asks for an upload slot. The answer is <see cref="Admitted"/>, perhaps after a wait, or
    /// <see cref="Overloaded"/>.</summary>
    /// <param name="Batch">The new batch's id, drawn by the caller. It also identifies the slot.</param>
    public sealed record Admit(BatchId Batch) : IUploadCommand;

    /// <summary>Switches the holder of a slot to a batch that was begun earlier. The answer is
    /// <see cref="Admitted"/>, or <see cref="UnderWay"/> while another upload into the batch runs or a sweep removes
    /// it.</summary>
    /// <param name="Slot">The slot.</param>
    /// <param name="Batch">The batch.</param>
    public sealed record ResumeBatch(BatchId Slot, BatchId Batch) : IUploadCommand;

    /// <summary>Releases the slot, or cancels the wait for it.</summary>
    /// <param name="Slot">The slot.</param>
    public sealed record Release(BatchId Slot) : IUploadCommand;

    /// <summary>Accepts a batch whose pictures are in the store. The answer is <see cref="Committed"/> once the
    /// manifest is durable, or <see cref="CommitFailed"/>.</summary>
    public sealed record Commit(BatchManifest Manifest) : IUploadCommand;

    /// <summary>The request may stream its pictures.</summary>
    public sealed record Admitted : IUploadAnswer
    {
        /// <summary>The only one.</summary>
        public static Admitted Instance { get; } = new();
    }

    /// <summary>Too many uploads are running and waiting.</summary>
    /// <param name="RetryAfter">When to try again.</param>
    public sealed record Overloaded(TimeSpan RetryAfter) : IUploadAnswer;

    /// <summary>Another upload into the batch is running.</summary>
    /// <param name="RetryAfter">When to try again.</param>
    public sealed record UnderWay(TimeSpan RetryAfter) : IUploadAnswer;

    /// <summary>The batch is accepted.</summary>
    /// <param name="Manifest">The stored manifest: the committed one, or an earlier one of the same batch.</param>
    public sealed record Committed(BatchManifest Manifest) : IUploadAnswer;

    /// <summary>The manifest could not be stored, so nothing is accepted.</summary>
    public sealed record CommitFailed(BatchId Batch) : IUploadAnswer;
}
