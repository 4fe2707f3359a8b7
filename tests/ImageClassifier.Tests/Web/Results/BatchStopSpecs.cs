using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.Results;

/// <summary>Batches whose waiting jobs end by a cancel or at their deadline, without any node.</summary>
public sealed class BatchStopSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_cancel_ends_what_waits_and_keeps_what_is_done()
    {
        var manifest = StoredBatch(4);
        StoreResult(ResultOf(manifest, 1, "dog"));
        var batches = StartBatches();
        var cancelled = await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch));
        Assert.Equal(new WaitingCancelled(manifest.Batch, 3), cancelled);

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(
            [JobErrorCodes.Cancelled, null, JobErrorCodes.Cancelled, JobErrorCodes.Cancelled],
            view.Jobs.Select(job => job.ErrorCode));
        Assert.Equal("dog", view.Jobs[1].Predictions![0].Label);
        Assert.All(new[] { 0, 2, 3 }, picture => Assert.Equal(JobErrorCodes.Cancelled, CodeOf(manifest, picture)));
        var page = await ReadAsync(batches, manifest);
        Assert.True(page.Finished);
        Assert.Equal(5, page.Events.Count);
        Assert.True(page.Events[4].IsEnd);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task Of_two_cancels_at_once_both_get_the_number_and_each_job_has_one_event()
    {
        var manifest = StoredBatch(30);
        var batches = StartBatches();
        var askers = new[] { CreateTestProbe(), CreateTestProbe() };
        foreach (var asker in askers) batches.Tell(new CancelWaiting(manifest.Batch), asker);
        foreach (var asker in askers) Assert.Equal(30, (await asker.ExpectMsgAsync<WaitingCancelled>()).Jobs);

        Assert.Equal(30, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
        Assert.Equal(31, (await ReadAsync(batches, manifest)).Events.Count);
    }

    [Fact]
    public async Task A_finished_batch_is_not_touched_by_a_cancel()
    {
        var manifest = StoredBatch(1);
        StoreResult(ResultOf(manifest, 0));
        var batches = StartBatches();
        Assert.True((await ReadAsync(batches, manifest)).Finished);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
        var before = KeysOf(manifest.Batch).ToArray();

        Assert.Equal(0, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
        Assert.Equal(before, KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_batch_that_does_not_exist_cannot_be_cancelled()
    {
        var missing = NewBatch(1);
        await AskAsync<NoSuchBatch>(StartBatches(), new CancelWaiting(missing.Batch));
        Assert.Empty(KeysOf(missing.Batch));
    }

    [Fact]
    public async Task A_result_that_a_node_stored_first_wins_although_its_message_comes_later()
    {
        var manifest = StoredBatch(2);
        var batches = StartBatches();
        await ReadAsync(batches, manifest);
        // The batch knows nothing of this result yet.
        StoreResult(ResultOf(manifest, 0));
        Assert.Equal(1, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal([JobStatus.Classified, JobStatus.Failed], view.Jobs.Select(job => job.Status));
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        Assert.Equal(3, (await ReadAsync(batches, manifest)).Events.Count);
    }

    [Fact]
    public async Task A_result_that_is_stored_during_the_cancel_wins()
    {
        var manifest = StoredBatch(2);
        var classified = ResultOf(manifest, 0);
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.PutIfAbsent && key == ObjectKeys.BatchStop(manifest.Batch)) StoreResult(classified);
            return Task.CompletedTask;
        };
        var batches = StartBatches();
        Assert.Equal(1, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
        Assert.Null(CodeOf(manifest, 0));
        Assert.True((await ReadAsync(batches, manifest)).Finished);
    }

    [Fact]
    public async Task A_late_result_of_a_cancelled_job_changes_nothing_in_the_store()
    {
        var manifest = StoredBatch(1);
        var batches = StartBatches();
        await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch));

        // The node finds the stored result, and publishes that.
        var stored = Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job))!;
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(stored));
        Assert.Equal(2, (await ReadAsync(batches, manifest)).Events.Count);
    }

    [Fact]
    public async Task A_job_that_was_sent_again_ends_with_its_current_attempt()
    {
        var manifest = StoredBatch(1);
        Store.Set(ObjectKeys.Attempt(manifest.Batch, manifest.Jobs[0].Job), WireJson.Write(new JobAttempt(3, 1)));
        await AskAsync<WaitingCancelled>(StartBatches(), new CancelWaiting(manifest.Batch));
        var result = Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job))!;
        Assert.Equal(3, result.Attempt);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task A_cancel_that_breaks_off_is_finished_by_a_sweep_after_a_restart()
    {
        var manifest = StoredBatch(20);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        var batches = StartBatches();
        await ReadAsync(batches, manifest);
        var left = 5;
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent && Interlocked.Decrement(ref left) < 0
            ? Task.FromException(new IOException("The store went away."))
            : Task.CompletedTask;
        await AskAsync<BatchUnavailable>(batches, new CancelWaiting(manifest.Batch));
        Store.Before = null;
        Sys.Stop(batches);

        StartSweeps(StartBatches());
        await PassUntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.All(Enumerable.Range(0, 20), picture => Assert.Equal(JobErrorCodes.Cancelled, CodeOf(manifest, picture)));
    }

    [Fact]
    public async Task A_cancel_whose_tier_died_after_the_marker_is_finished_too()
    {
        var manifest = StoredBatch(2);
        Store.Set(ObjectKeys.StopMarker(manifest.Batch, DateTimeOffset.UnixEpoch), "");
        StartSweeps(StartBatches());
        await PassUntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.Equal(JobErrorCodes.Cancelled, CodeOf(manifest, 1));
    }

    [Fact]
    public async Task A_deletion_waits_for_the_cancel_and_leaves_nothing()
    {
        var manifest = StoredBatch(20);
        var batches = StartBatches();
        await ReadAsync(batches, manifest);
        var canceller = CreateTestProbe();
        var deleter = CreateTestProbe();
        batches.Tell(new CancelWaiting(manifest.Batch), canceller);
        batches.Tell(new DeleteBatch(manifest.Batch), deleter);

        await canceller.ExpectMsgAsync<WaitingCancelled>();
        await deleter.ExpectMsgAsync<BatchDeleted>();
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_cancelled_batch_stores_its_callback()
    {
        var manifest = StoredBatch(2) with
        {
            Callback = new CallbackWish("https://receiver.example/hook", CallbackEvents.Batch, null),
        };
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        var callbacks = CreateTestProbe();
        await AskAsync<WaitingCancelled>(StartBatches(callbackActor: callbacks), new CancelWaiting(manifest.Batch));
        await callbacks.ExpectMsgAsync<CallbackProtocol.MakeDeliveries>();
        Assert.Single(Store.Keys, key => key.StartsWith(CallbackKeys.WaitingOf(manifest.Batch), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reader_that_resumes_gets_the_cancelled_jobs_that_it_lacks()
    {
        var manifest = StoredBatch(3);
        var batches = StartBatches();
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        var known = (await ReadAsync(batches, manifest)).Events[0].Id;
        await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch));
        var rest = await AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, known, TimeSpan.Zero));
        Assert.Equal(3, rest.Events.Count);
        Assert.True(rest.Finished);
    }

    [Fact]
    public async Task At_the_deadline_what_waits_expires()
    {
        var manifest = WithDeadline(StoredBatch(3), Time.GetUtcNow() + TimeSpan.FromSeconds(90));
        StoreResult(ResultOf(manifest, 0));
        var batches = StartBatches();
        await ReadAsync(batches, manifest);
        await AdvanceAsync(TimeSpan.FromSeconds(88), Second);
        Assert.Null(CodeOf(manifest, 1));

        await AdvanceUntilAsync(() => !IsOpen(manifest), "the batch is closed", Second);
        Assert.InRange(Time.GetUtcNow() - manifest.Deadline!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal([null, JobErrorCodes.Expired, JobErrorCodes.Expired], new[] { 0, 1, 2 }.Select(i => CodeOf(manifest, i)));
        Assert.True((await ReadAsync(batches, manifest)).Finished);
        Assert.Equal(0, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
    }

    [Fact]
    public async Task A_web_clock_that_is_ahead_expires_nothing_early()
    {
        Store.Ahead = -Hour;
        // By the store's clock the deadline is one hour and 10 s away.
        var manifest = WithDeadline(StoredBatch(1), Time.GetUtcNow() + TimeSpan.FromSeconds(10));
        var batches = StartBatches();
        StartSweeps(batches);
        await ReadAsync(batches, manifest);
        await PassAsync(Hour - TimeSpan.FromMinutes(1));
        Assert.Null(CodeOf(manifest, 0));
        Assert.DoesNotContain(ObjectKeys.BatchStop(manifest.Batch), Store.Keys);

        await PassUntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.True(Time.GetUtcNow() + Store.Ahead >= manifest.Deadline);
        Assert.Equal(JobErrorCodes.Expired, CodeOf(manifest, 0));
    }

    [Fact]
    public async Task A_web_clock_that_is_behind_expires_late_by_as_much_and_not_more()
    {
        Store.Ahead = Hour;
        var manifest = WithDeadline(StoredBatch(1), Time.GetUtcNow() + TimeSpan.FromMinutes(10));
        StartSweeps(StartBatches());
        await PassUntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.InRange(Time.GetUtcNow() - manifest.Deadline!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(3));
        Assert.Equal(JobErrorCodes.Expired, CodeOf(manifest, 0));
    }

    [Fact]
    public async Task A_deadline_that_passes_while_the_batch_is_not_in_memory_is_kept_by_the_sweep()
    {
        var manifest = WithDeadline(StoredBatch(2), Time.GetUtcNow() + Hour);
        var first = StartBatches();
        await ReadAsync(first, manifest);
        // Its web node ends, and no client asks for the batch again.
        Sys.Stop(first);
        StartSweeps(StartBatches());
        await PassAsync(Hour - TimeSpan.FromMinutes(2));
        Assert.Null(CodeOf(manifest, 0));
        await PassUntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.Equal(JobErrorCodes.Expired, CodeOf(manifest, 1));
    }

    [Fact]
    public async Task A_cancel_before_the_deadline_stays_a_cancel()
    {
        var manifest = WithDeadline(StoredBatch(2), Time.GetUtcNow() + TimeSpan.FromMinutes(2));
        var batches = StartBatches();
        Assert.Equal(2, (await AskAsync<WaitingCancelled>(batches, new CancelWaiting(manifest.Batch))).Jobs);
        StartSweeps(batches);
        await PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(JobErrorCodes.Cancelled, CodeOf(manifest, 0));
        Assert.False(IsOpen(manifest));
    }

    [Fact]
    public async Task The_messages_of_a_stopped_batch_are_neither_sent_nor_sent_again()
    {
        var unsent = StoredBatch(2);
        var lost = StoredBatch(2);
        Store.Set(ObjectKeys.SentNote(lost.Batch), "");
        foreach (var manifest in new[] { unsent, lost })
        {
            Store.Set(
                ObjectKeys.BatchStop(manifest.Batch), WireJson.Write(new BatchStop(manifest.Batch, StopCause.Cancelled)));
        }

        StartSweeps(StartBatches());
        await PassAsync(3 * Losing.LostAfter);
        Assert.Equal(0, Requests.CallsOf(QueueCall.Send));
        Assert.Equal(JobErrorCodes.Cancelled, CodeOf(lost, 0));
        Assert.False(IsOpen(lost));
    }

    private BatchManifest WithDeadline(BatchManifest stored, DateTimeOffset deadline)
    {
        var manifest = stored with { Deadline = deadline };
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        Store.Set(ObjectKeys.StopMarker(manifest.Batch, deadline), "");
        return manifest;
    }

    private string? CodeOf(BatchManifest manifest, int picture) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, manifest.Jobs[picture].Job))?.Error?.Code;

    private Task<EventPage> ReadAsync(IActorRef batches, BatchManifest manifest) =>
        AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, null, TimeSpan.Zero));

    private void StartSweeps(IActorRef batches)
    {
        var outbox = Sys.ActorOf(Props.Create(() =>
            new OutboxActor(Requests, Store, NoRepeats, ActorRefs.Nobody, Uploading.Outbox)));
        Sys.ActorOf(Props.Create(() => new OpenBatchesActor(
            Requests, Store, outbox, batches, Uploading.SweepInterval, Losing)));
    }

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, TimeSpan.FromSeconds(30));

    private Task PassUntilAsync(Func<bool> condition, string because) =>
        AdvanceUntilAsync(condition, because, TimeSpan.FromSeconds(30));
}
