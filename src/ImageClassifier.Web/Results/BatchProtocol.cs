using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Results;

/// <summary>What a batch understands and answers. Any command may also be answered <see cref="NoSuchBatch"/>,
/// <see cref="BatchUnavailable"/> or <see cref="BatchDamaged"/>.</summary>
public static class BatchProtocol
{
    /// <summary>Marks the commands; each is for one batch.</summary>
    public interface IBatchCommand
    {
        /// <summary>The batch it is for.</summary>
        BatchId Batch { get; }
    }

    /// <summary>Marks the answers.</summary>
    public interface IBatchAnswer;

    /// <summary>Takes a job's result; answered <see cref="ResultTaken"/>, also when it was known already or the batch
    /// is gone.</summary>
    public sealed record TakeResult(JobResult Result) : IBatchCommand
    {
        /// <inheritdoc />
        public BatchId Batch => Result.Batch;
    }

    /// <summary>Asks for <see cref="BatchView"/>.</summary>
    public sealed record GetBatch(BatchId Batch) : IBatchCommand;

    /// <summary>Asks for the events after a place; answered <see cref="EventPage"/> as soon as there is one, or empty after
    /// the wait.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="After">The last event that the reader has; null, or one of another epoch, for all.</param>
    /// <param name="Wait">How long to wait for the next event.</param>
    public sealed record ReadEvents(BatchId Batch, EventId? After, TimeSpan Wait) : IBatchCommand;

    /// <summary>Reads results from the store that the batch may have missed; not answered, and nothing to a batch that is
    /// not live. It keeps no batch from leaving.</summary>
    public sealed record CatchUp(BatchId Batch) : INotInfluenceReceiveTimeout;

    /// <summary>Deletes the batch's pictures, results and manifest; answered <see cref="BatchDeleted"/>.</summary>
    public sealed record DeleteBatch(BatchId Batch) : IBatchCommand;

    /// <summary>The result is taken; its message can go.</summary>
    /// <param name="SubmittedAt">When its batch was accepted; null where the batch is gone.</param>
    public sealed record ResultTaken(DateTimeOffset? SubmittedAt) : IBatchAnswer;

    /// <summary>There is no such batch.</summary>
    public sealed record NoSuchBatch(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch cannot be read now: the store does not answer, or too many jobs are live.</summary>
    public sealed record BatchUnavailable(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch's manifest is damaged: there is a batch, but it cannot be read any more.</summary>
    public sealed record BatchDamaged(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch is gone.</summary>
    public sealed record BatchDeleted(BatchId Batch) : IBatchAnswer;

    /// <summary>A batch as it stands.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="SubmittedAt">When it was accepted.</param>
    /// <param name="Jobs">Its jobs, in the order of the upload; refused ones too.</param>
    public sealed record BatchView(BatchId Batch, DateTimeOffset SubmittedAt, IReadOnlyList<JobView> Jobs) : IBatchAnswer;

    /// <summary>A job as it stands.</summary>
    /// <param name="Job">The job.</param>
    /// <param name="FileName">What the client calls the file.</param>
    /// <param name="ImageKey">Where the picture is; null where it was refused.</param>
    /// <param name="Status">Where it stands.</param>
    /// <param name="Refusal">Why it was refused; null where it was not.</param>
    /// <param name="Result">How it ended; null where it has not.</param>
    public sealed record JobView(
        JobId Job, string FileName, string? ImageKey, JobStatus Status, JobError? Refusal, JobResult? Result);

    /// <summary>Events of a batch, in order.</summary>
    /// <param name="Events">The events; empty when none came in time.</param>
    /// <param name="Finished">Nothing comes after these.</param>
    public sealed record EventPage(IReadOnlyList<BatchEvent> Events, bool Finished) : IBatchAnswer;

    /// <summary>Something that happened to a batch.</summary>
    /// <param name="Id">Its place.</param>
    /// <param name="Job">The job that has its result; null for the event that says that all have.</param>
    public sealed record BatchEvent(EventId Id, JobView? Job);
}
