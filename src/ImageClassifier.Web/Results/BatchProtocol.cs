using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Results;

/// <summary>The commands and answers of a batch. Any command can also be answered <see cref="NoSuchBatch"/>,
/// <see cref="BatchUnavailable"/> or <see cref="BatchDamaged"/>.</summary>
public static class BatchProtocol
{
    /// <summary>The most jobs or events in one answer. A page of the longest ones has some 2 MB, which a message
    /// between two nodes can have.</summary>
    public const int MaxPage = 500;

    /// <summary>Marks the commands. Each is for one batch.</summary>
    public interface IBatchCommand
    {
        /// <summary>The batch.</summary>
        BatchId Batch { get; }
    }

    /// <summary>Marks the answers.</summary>
    public interface IBatchAnswer;

    /// <summary>Adds results of the batch. The answer is <see cref="ResultsTaken"/>, even if the results are known or
    /// the batch is gone.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Results">At least one result.</param>
    public sealed record TakeResults(BatchId Batch, IReadOnlyList<JobResult> Results) : IBatchCommand
    {
        /// <summary>Adds one result.</summary>
        public static TakeResults Of(JobResult result) => new(result.Batch, [result]);
    }

    /// <summary>Asks for a page of the <see cref="BatchView"/>.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="From">The first job of the page, from 0.</param>
    public sealed record GetBatch(BatchId Batch, int From = 0) : IBatchCommand;

    /// <summary>Asks for the events after a position. The answer is an <see cref="EventPage"/>, at most
    /// <see cref="ResultSettings.Pace"/> after there is an event, or an empty one after the wait.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="After">The reader's last event. Null, or an id of another epoch, asks for all events.</param>
    /// <param name="Wait">How long to wait for an event.</param>
    public sealed record ReadEvents(BatchId Batch, EventId? After, TimeSpan Wait) : IBatchCommand;

    /// <summary>Deletes the batch's pictures, results and manifest. The answer is <see cref="BatchDeleted"/>.</summary>
    public sealed record DeleteBatch(BatchId Batch) : IBatchCommand;

    /// <summary>Ends the jobs that have no result as failed, with <see cref="JobErrorCodes.Cancelled"/>. The answer is
    /// <see cref="WaitingCancelled"/>.</summary>
    public sealed record CancelWaiting(BatchId Batch) : IBatchCommand;

    /// <summary>Ends the jobs that have no result if the batch's deadline has passed, or if a cancel broke off. There is
    /// no answer.</summary>
    public sealed record EndDueJobs(BatchId Batch) : IBatchCommand;

    /// <summary>The results are added, so their messages can be deleted.</summary>
    /// <param name="SubmittedAt">When the batch was accepted; null if the batch is gone.</param>
    public sealed record ResultsTaken(DateTimeOffset? SubmittedAt) : IBatchAnswer;

    /// <summary>There is no such batch.</summary>
    public sealed record NoSuchBatch(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch cannot be read now: the store does not answer, or too many jobs are live.</summary>
    public sealed record BatchUnavailable(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch exists, but its manifest is damaged, so it cannot be read.</summary>
    public sealed record BatchDamaged(BatchId Batch) : IBatchAnswer;

    /// <summary>The batch is deleted.</summary>
    public sealed record BatchDeleted(BatchId Batch) : IBatchAnswer;

    /// <summary>No job of the batch waits any more.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Jobs">How many of its jobs cancels have ended, this one and earlier ones.</param>
    public sealed record WaitingCancelled(BatchId Batch, int Jobs) : IBatchAnswer;

    /// <summary>The current state of a batch.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="SubmittedAt">When it was accepted.</param>
    /// <param name="Total">How many jobs it has, refused files included.</param>
    /// <param name="Jobs">The asked page of its jobs, in the order of the upload.</param>
    public sealed record BatchView(
        BatchId Batch, DateTimeOffset SubmittedAt, int Total, IReadOnlyList<JobDocument> Jobs) : IBatchAnswer
    {
        /// <summary>What is delivered to the client's receiver; null without a callback.</summary>
        public CallbackEvents? Callback { get; init; }

        /// <summary>The time after which no job is begun any more; null for none.</summary>
        public DateTimeOffset? Deadline { get; init; }
    }

    /// <summary>Events of a batch, in order.</summary>
    /// <param name="Events">At most <see cref="MaxPage"/> events of one epoch; none if none came in time.</param>
    /// <param name="Finished">Whether these are the last events.</param>
    public sealed record EventPage(IReadOnlyList<BatchEvent> Events, bool Finished) : IBatchAnswer;

    /// <summary>An event of a batch. Its JSON is written once. All clients and all web nodes get the same
    /// bytes.</summary>
    /// <param name="Id">The position.</param>
    /// <param name="IsEnd">True for the event that all jobs have a result.</param>
    /// <param name="Json">The event in the API, as UTF-8 without line breaks.</param>
    public sealed record BatchEvent(EventId Id, bool IsEnd, ReadOnlyMemory<byte> Json)
    {
        /// <summary>Reads the job that got its result from the JSON; null if this is the end event.</summary>
        public JobDocument? ReadJob() => EventDocument.Read(Json).Job;
    }
}
