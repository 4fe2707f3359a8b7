using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Results;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.Results;

/// <summary>Live batches as the tier sees them: through their parent.</summary>
public sealed class BatchesActorSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_batch_loads_from_the_store()
    {
        var manifest = StoredBatch(3);
        StoreResult(ResultOf(manifest, 1, "dog"));
        var batches = Start();

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(["0.jpg", "1.jpg", "2.jpg"], view.Jobs.Select(job => job.FileName));
        Assert.Equal(
            [JobStatus.Queued, JobStatus.Classified, JobStatus.Queued], view.Jobs.Select(job => job.Status));
        Assert.Equal("dog", view.Jobs[1].Predictions![0].Label);
        var page = await ReadAsync(batches, manifest.Batch);
        Assert.Equal(manifest.Jobs[1].Job, Assert.Single(page.Events).ReadJob()!.JobId);
        Assert.False(page.Finished);
    }

    [Fact]
    public async Task Each_result_is_one_event_and_the_last_one_ends_the_batch()
    {
        var manifest = StoredBatch(3);
        var batches = Start();
        foreach (var picture in (int[])[2, 0, 2, 0, 1])
        {
            StoreResult(ResultOf(manifest, picture));
            await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, picture)));
        }

        var page = await ReadAsync(batches, manifest.Batch);
        Assert.True(page.Finished);
        Assert.Equal(["2.jpg", "0.jpg", "1.jpg", null], page.Events.Select(batchEvent => batchEvent.ReadJob()?.FileName));
        Assert.Equal([1, 2, 3, 4], page.Events.Select(batchEvent => batchEvent.Id.Number));
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task A_failure_ends_its_job()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        await AskAsync<ResultsTaken>(
            batches, TakeResults.Of(Jobs.Failed(Jobs.Request(manifest.Batch, manifest.Jobs[0].Job))));

        var page = await ReadAsync(batches, manifest.Batch);
        Assert.True(page.Finished);
        Assert.Equal(JobStatus.Failed, page.Events[0].ReadJob()!.Status);
    }

    [Fact]
    public async Task Resume_within_an_epoch_continues_and_a_new_epoch_replays_everything()
    {
        var manifest = StoredBatch(3);
        var batches = Start();
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        var known = (await ReadAsync(batches, manifest.Batch)).Events[0].Id;
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 1)));

        Assert.Equal([2], (await ReadAsync(batches, manifest.Batch, known)).Events.Select(one => one.Id.Number));
        Assert.Equal(2, (await ReadAsync(batches, manifest.Batch, new EventId("other", 1))).Events.Count);
    }

    [Fact]
    public async Task A_waiting_reader_gets_the_next_result_at_once()
    {
        var manifest = StoredBatch(2);
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        Assert.True(await HeardNothingAsync(reader));

        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 1)));
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Equal("1.jpg", Assert.Single(page.Events).ReadJob()!.FileName);
        Assert.False(page.Finished);
        await AdvanceAsync(2 * Wait, TimeSpan.FromSeconds(1));
        Assert.False(reader.HasMessages);
    }

    [Fact]
    public async Task Results_that_follow_quickly_reach_a_reader_on_one_page()
    {
        var manifest = StoredBatch(4);
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        var known = (await reader.ExpectMsgAsync<EventPage>()).Events[^1].Id;

        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 1)));
        // The pace also holds for a reader that finds an event.
        batches.Tell(new ReadEvents(manifest.Batch, known, Wait), reader);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 2)));
        Assert.True(await HeardNothingAsync(reader));
        await AdvanceAsync(ResultSettings.Pace);
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Equal([2, 3], page.Events.Select(batchEvent => batchEvent.Id.Number));

        // Later, a lone result has no delay.
        await AdvanceAsync(ResultSettings.Pace);
        batches.Tell(new ReadEvents(manifest.Batch, page.Events[^1].Id, Wait), reader);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 3)));
        Assert.True((await reader.ExpectMsgAsync<EventPage>()).Finished);
    }

    [Fact]
    public async Task A_reader_without_a_new_event_is_not_answered_with_the_others()
    {
        var manifest = StoredBatch(2);
        var batches = Start();
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        var known = (await ReadAsync(batches, manifest.Batch)).Events[^1].Id;
        var (waiting, behind) = (CreateTestProbe(), CreateTestProbe());
        batches.Tell(new ReadEvents(manifest.Batch, known, Wait), waiting);

        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), behind);
        Assert.Single((await behind.ExpectMsgAsync<EventPage>()).Events);
        Assert.True(await HeardNothingAsync(waiting));
    }

    [Fact]
    public async Task A_reader_gets_an_empty_page_after_its_wait()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "the batch is loaded");
        await AdvanceAsync(Wait - TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        Assert.False(reader.HasMessages);

        await AdvanceAsync(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1));
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Empty(page.Events);
        Assert.False(page.Finished);
    }

    [Fact]
    public async Task After_the_end_a_new_reader_gets_all_events_and_a_complete_one_gets_none()
    {
        var manifest = StoredBatch(1);
        StoreResult(ResultOf(manifest, 0));
        var batches = Start();
        var page = await ReadAsync(batches, manifest.Batch);
        Assert.True(page.Finished);
        Assert.Equal(2, page.Events.Count);

        var rest = await AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, page.Events[1].Id, Wait));
        Assert.True(rest.Finished);
        Assert.Empty(rest.Events);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task Every_command_to_a_missing_batch_is_answered_NoSuchBatch()
    {
        var batches = Start();
        var batch = BatchId.New();
        await AskAsync<NoSuchBatch>(batches, new GetBatch(batch));
        await AskAsync<NoSuchBatch>(batches, new ReadEvents(batch, null, Wait));
        await AskAsync<NoSuchBatch>(batches, new DeleteBatch(batch));

        var manifest = StoredBatch(1);
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
    }

    [Fact]
    public async Task A_deletion_removes_the_batch_and_ends_its_readers()
    {
        var manifest = StoredBatch(3);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        StoreResult(ResultOf(manifest, 0));
        var other = StoredBatch(1);
        var batches = Start();
        var known = (await ReadAsync(batches, manifest.Batch)).Events[^1].Id;
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, known, Wait), reader);

        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        await reader.ExpectMsgAsync<NoSuchBatch>();
        Assert.Empty(KeysOf(manifest.Batch));
        Assert.Equal(3, KeysOf(other.Batch).Count());
        await AskAsync<NoSuchBatch>(batches, new GetBatch(manifest.Batch));
        await AskAsync<NoSuchBatch>(batches, new DeleteBatch(manifest.Batch));
    }

    [Fact]
    public async Task A_deletion_removes_the_manifest_first_and_can_be_repeated_after_a_failure()
    {
        var manifest = StoredBatch(3);
        var batches = Start();
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Store.Before = (call, key) => call == StoreCall.Delete && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
            ? Task.FromException(new IOException("Not now."))
            : Task.CompletedTask;
        await AskAsync<BatchUnavailable>(batches, new DeleteBatch(manifest.Batch));
        Assert.DoesNotContain(ObjectKeys.Manifest(manifest.Batch), Store.Keys);

        Store.Before = null;
        await UntilAnsweredAsync<NoSuchBatch>(batches, new DeleteBatch(manifest.Batch));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_failed_deletion_does_not_tell_readers_that_the_batch_is_gone()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "it is live");
        await SettleAsync();
        Store.FailNext(StoreCall.Delete);
        await AskAsync<BatchUnavailable>(batches, new DeleteBatch(manifest.Batch));
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Equal((0, false), (page.Events.Count, page.Finished));

        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(manifest.Batch));
    }

    [Fact]
    public async Task A_result_for_a_deleted_batch_is_accepted_and_removed()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        var result = ResultOf(manifest, 0);
        StoreResult(result);
        Store.Set(ObjectKeys.BatchModel(manifest.Batch), "");
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");

        await AskAsync<ResultsTaken>(batches, TakeResults.Of(result));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_late_result_that_cannot_be_removed_is_not_accepted()
    {
        var batches = Start();
        Store.FailNext(StoreCall.Delete);
        await AskAsync<BatchUnavailable>(batches, TakeResults.Of(Jobs.Classified(Jobs.Request())));
    }

    [Fact]
    public async Task A_batch_that_cannot_be_read_is_unavailable()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        Store.FailNext(StoreCall.Get);
        await AskAsync<BatchUnavailable>(batches, new GetBatch(manifest.Batch));
        Store.FailNext(StoreCall.List);
        await UntilAnsweredAsync<BatchUnavailable>(batches, TakeResults.Of(ResultOf(manifest, 0)));

        await UntilAnsweredAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        Assert.True((await ReadAsync(batches, manifest.Batch)).Finished);
    }

    [Fact]
    public async Task An_unused_batch_leaves_memory_and_loads_again_from_the_store()
    {
        var manifest = StoredBatch(2);
        var batches = Start();
        var result = ResultOf(manifest, 0);
        StoreResult(result);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(result));
        var before = (await ReadAsync(batches, manifest.Batch)).Events[0].Id;
        Assert.Equal(1, Store.CallsOf(StoreCall.List));

        await AdvanceAsync(Showing.PassivateAfter + TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var page = await ReadAsync(batches, manifest.Batch, before);
        Assert.Equal(2, Store.CallsOf(StoreCall.List));
        Assert.Equal("0.jpg", Assert.Single(page.Events).ReadJob()!.FileName);
        Assert.NotEqual(before.Epoch, page.Events[0].Id.Epoch);
    }

    [Fact]
    public async Task A_batch_with_a_waiting_reader_stays_in_memory()
    {
        var manifest = StoredBatch(1);
        var loads = CountLoads();
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, TimeSpan.FromMinutes(10)), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "the batch is loaded");
        await AdvanceAsync(2 * Showing.PassivateAfter, TimeSpan.FromSeconds(1));
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));

        Assert.True((await reader.ExpectMsgAsync<EventPage>()).Finished);
        Assert.Equal(1, loads());
    }

    [Fact]
    public async Task Commands_during_passivation_are_all_answered()
    {
        var settings = Showing with { PassivateAfter = TimeSpan.FromMilliseconds(50) };
        var manifest = StoredBatch(2);
        var batches = Start(settings);
        for (var round = 0; round < 50; round++)
        {
            var asker = CreateTestProbe();
            var passing = AdvanceAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(25));
            for (var i = 0; i < 20; i++) batches.Tell(new GetBatch(manifest.Batch), asker);
            await passing;
            for (var i = 0; i < 20; i++) await asker.ExpectMsgAsync<BatchView>();
        }
    }

    [Fact]
    public async Task A_deletion_during_passivation_is_answered()
    {
        var manifest = StoredBatch(2);
        var parent = CreateTestProbe();
        var asker = CreateTestProbe();
        var batch = StartBatch(manifest.Batch, parent);
        batch.Tell(new GetBatch(manifest.Batch), asker);
        await asker.ExpectMsgAsync<BatchView>();
        var deleting = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.Delete ? deleting.Task : Task.CompletedTask;
        batch.Tell(new DeleteBatch(manifest.Batch), asker);
        batch.Tell(new GetBatch(manifest.Batch), asker);
        batch.Tell(BatchesProtocol.Leave.Instance, parent);
        Watch(batch);
        Assert.True(await HeardNothingAsync(asker));

        deleting.SetResult();
        await asker.ExpectMsgAsync<BatchDeleted>();
        await asker.ExpectMsgAsync<NoSuchBatch>();
        await ExpectTerminatedAsync(batch);
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_reader_during_passivation_is_answered()
    {
        var manifest = StoredBatch(1);
        var parent = CreateTestProbe();
        var reader = CreateTestProbe();
        var batch = StartBatch(manifest.Batch, parent);
        batch.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "the batch is loaded");
        await SettleAsync();

        batch.Tell(BatchesProtocol.Leave.Instance, parent);
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Empty(page.Events);
        Assert.False(page.Finished);
    }

    [Fact]
    public async Task Beyond_the_limit_of_live_batches_the_next_one_is_unavailable()
    {
        var manifests = Enumerable.Range(0, 3).Select(_ => StoredBatch(1)).ToArray();
        var batches = Start(Showing with { MaxLiveJobs = 2 });
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifests[0].Batch, null, Wait), reader);
        batches.Tell(new ReadEvents(manifests[1].Batch, null, Wait), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 2, "both are loaded");
        await SettleAsync();
        for (var i = 0; i < 5; i++) await AskAsync<BatchUnavailable>(batches, new GetBatch(manifests[2].Batch));
        await AskAsync<BatchView>(batches, new GetBatch(manifests[0].Batch));
        Assert.False(reader.HasMessages);

        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifests[1], 0)));
        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(manifests[2].Batch));
    }

    [Fact]
    public async Task Batches_without_readers_make_room_before_the_limit()
    {
        var manifests = Enumerable.Range(0, 200).Select(_ => StoredBatch(1)).ToArray();
        var loads = CountLoads();
        var batches = Start(Showing with { MaxLiveJobs = 20 });
        foreach (var manifest in manifests)
            await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0)));
        Assert.Equal(200, loads());

        await AskAsync<BatchView>(batches, new GetBatch(manifests[^1].Batch));
        Assert.Equal(200, loads());
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 14)]
    [InlineData(40, 2)]
    [InlineData(100, 1)]
    public async Task The_limit_counts_the_jobs_of_live_batches(int jobsInBatch, int liveBatches)
    {
        var manifests = Enumerable.Range(0, liveBatches + 1).Select(_ => StoredBatch(jobsInBatch)).ToArray();
        var batches = Start(Showing with { MaxLiveJobs = 100 });
        var reader = CreateTestProbe();
        foreach (var manifest in manifests[..liveBatches])
        {
            await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
            batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        }

        await SettleAsync();
        for (var i = 0; i < 3; i++) await AskAsync<BatchUnavailable>(batches, new GetBatch(manifests[^1].Batch));
        Assert.False(reader.HasMessages);

        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifests[0].Batch));
        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(manifests[^1].Batch));
    }

    [Fact]
    public async Task Small_batches_without_readers_make_room_for_a_large_one()
    {
        var small = Enumerable.Range(0, 60).Select(_ => StoredBatch(1)).ToArray();
        var large = StoredBatch(90);
        var batches = Start(Showing with { MaxLiveJobs = 100 });
        foreach (var manifest in small) await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));

        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(large.Batch));
    }

    [Fact]
    public async Task A_batch_beyond_the_limit_is_read_alone()
    {
        var large = StoredBatch(101);
        var small = StoredBatch(1);
        var batches = Start(Showing with { MaxLiveJobs = 100 });
        await AskAsync<BatchView>(batches, new GetBatch(large.Batch));

        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(small.Batch));
        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(large.Batch));
    }

    /// <summary>Counts the reads of manifests from now on.</summary>
    private Func<int> CountLoads()
    {
        var loads = 0;
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.Get && key.EndsWith("manifest.json", StringComparison.Ordinal))
                Interlocked.Increment(ref loads);
            return Task.CompletedTask;
        };
        return () => Volatile.Read(ref loads);
    }

    private IActorRef Start(ResultSettings? settings = null) => StartBatches(settings);

    private IActorRef StartBatch(BatchId batch, TestProbe parent)
    {
        var liveJobs = Sys.ActorOf(Props.Create(() => new LiveJobsActor(Showing.MaxLiveJobs)));
        return parent.ChildActorOf(Props.Create(() =>
            new BatchActor(
                batch, Store, liveJobs, ActorRefs.Nobody, ActorRefs.Nobody, "passivate", Showing)));
    }

    private Task<EventPage> ReadAsync(IActorRef batches, BatchId batch, EventId? after = null) =>
        AskAsync<EventPage>(batches, new ReadEvents(batch, after, TimeSpan.Zero));

    /// <summary>Asks until the previous life of the batch is over.</summary>
    private async Task UntilAnsweredAsync<T>(IActorRef batches, IBatchCommand command)
    {
        for (var i = 0; i < 100; i++)
        {
            if (await AskAsync<IBatchAnswer>(batches, command) is T) return;
            await SettleAsync();
        }

        Assert.Fail($"It was never answered {typeof(T).Name}.");
    }
}
