using ImageClassifier.Core;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>The command and answers of the upload actor.</summary>
public static class UploadProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IUploadCommand;

    /// <summary>Marks the answers.</summary>
    public interface IUploadAnswer;

    /// <summary>Accepts a batch whose pictures are in the store. The answer is <see cref="Committed"/> once the
    /// manifest is durable, or <see cref="CommitFailed"/>.</summary>
    public sealed record Commit(BatchManifest Manifest) : IUploadCommand;

    /// <summary>The batch is accepted.</summary>
    /// <param name="Manifest">The stored manifest: the committed one, or an earlier one of the same batch.</param>
    public sealed record Committed(BatchManifest Manifest) : IUploadAnswer;

    /// <summary>The manifest could not be stored, so nothing is accepted.</summary>
    public sealed record CommitFailed(BatchId Batch) : IUploadAnswer;
}
