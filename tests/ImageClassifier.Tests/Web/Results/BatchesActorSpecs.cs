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

/// <summary>Live batches as the rest of the tier sees them: through the actor that keeps them.</summary>
public sealed class BatchesActorSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_batch_starts_from_the_store()
    {
        var manifest = StoredBatch(3);
        StoreResult(ResultOf(manifest, 1, "dog"));
        var batches = Start();

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(["0.jpg", "1.jpg", "2.jpg"], view.Jobs.Select(job => job.FileName));
        Assert.Equal(
            [JobStatus.Queued, JobStatus.Classified, JobStatus.Queued], view.Jobs.Select(job => job.Status));
        Assert.Equal("dog", view.Jobs[1].Result!.Predictions[0].Label);
        var page = await ReadAsync(batches, manifest.Batch);
        Assert.Equal(manifest.Jobs[1].Job, Assert.Single(page.Events).Job!.Job);
        Assert.False(page.Finished);
    }

    [Fact]
    public async Task Results_are_events_once_each_and_the_last_ends_the_batch()
    {
        var manifest = StoredBatch(3);
        var batches = Start();
        foreach (var picture in (int[])[2, 0, 2, 0, 1])
        {
            StoreResult(ResultOf(manifest, picture));
            await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, picture)));
        }

        var page = await ReadAsync(batches, manifest.Batch);
        Assert.True(page.Finished);
        Assert.Equal(["2.jpg", "0.jpg", "1.jpg", null], page.Events.Select(happened => happened.Job?.FileName));
        Assert.Equal([1, 2, 3, 4], page.Events.Select(happened => happened.Id.Number));
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task A_failed_picture_ends_its_job_too()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        await AskAsync<ResultTaken>(
            batches, new TakeResult(Jobs.Failed(Jobs.Request(manifest.Batch, manifest.Jobs[0].Job))));

        var page = await ReadAsync(batches, manifest.Batch);
        Assert.True(page.Finished);
        Assert.Equal(JobStatus.Failed, page.Events[0].Job!.Status);
    }

    [Fact]
    public async Task A_reader_goes_on_where_it_was_and_one_of_another_life_gets_all()
    {
        var manifest = StoredBatch(3);
        var batches = Start();
        await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 0)));
        var known = (await ReadAsync(batches, manifest.Batch)).Events[0].Id;
        await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 1)));

        Assert.Equal([2], (await ReadAsync(batches, manifest.Batch, known)).Events.Select(one => one.Id.Number));
        Assert.Equal(2, (await ReadAsync(batches, manifest.Batch, new EventId("other", 1))).Events.Count);
    }

    [Fact]
    public async Task A_reader_waits_and_is_woken_by_the_next_result()
    {
        var manifest = StoredBatch(2);
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        Assert.True(await HeardNothingAsync(reader));

        await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 1)));
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Equal("1.jpg", Assert.Single(page.Events).Job!.FileName);
        Assert.False(page.Finished);
        await AdvanceAsync(2 * Wait, TimeSpan.FromSeconds(1));
        Assert.False(reader.HasMessages);
    }

    [Fact]
    public async Task A_reader_that_waited_enough_hears_that_nothing_came()
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
    public async Task Who_comes_after_the_end_gets_all_and_who_has_all_learns_that_nothing_comes()
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
    public async Task A_batch_that_is_not_there_is_unknown_to_all()
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
    public async Task A_deleted_batch_is_gone_and_its_readers_learn_it()
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
    public async Task Deletion_takes_the_manifest_first_and_a_broken_off_one_is_finished_by_the_next()
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
        await AskAsync<NoSuchBatch>(batches, new DeleteBatch(manifest.Batch));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task A_deletion_that_fails_tells_no_reader_that_the_batch_is_gone()
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
    public async Task What_comes_for_a_deleted_batch_is_taken_and_removed()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        var result = ResultOf(manifest, 0);
        StoreResult(result);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");

        await AskAsync<ResultTaken>(batches, new TakeResult(result));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task Where_that_cannot_be_removed_now_it_is_not_taken()
    {
        var batches = Start();
        Store.FailNext(StoreCall.Delete);
        await AskAsync<BatchUnavailable>(batches, new TakeResult(Jobs.Classified(Jobs.Request())));
    }

    [Fact]
    public async Task A_batch_that_cannot_be_read_is_unavailable_for_now()
    {
        var manifest = StoredBatch(1);
        var batches = Start();
        Store.FailNext(StoreCall.Get);
        await AskAsync<BatchUnavailable>(batches, new GetBatch(manifest.Batch));
        Store.FailNext(StoreCall.List);
        await UntilAnsweredAsync<BatchUnavailable>(batches, new TakeResult(ResultOf(manifest, 0)));

        await UntilAnsweredAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 0)));
        Assert.True((await ReadAsync(batches, manifest.Batch)).Finished);
    }

    [Fact]
    public async Task A_batch_that_no_one_asks_for_leaves_memory_and_comes_back_as_the_store_has_it()
    {
        var manifest = StoredBatch(2);
        var batches = Start();
        var result = ResultOf(manifest, 0);
        StoreResult(result);
        await AskAsync<ResultTaken>(batches, new TakeResult(result));
        var before = (await ReadAsync(batches, manifest.Batch)).Events[0].Id;
        Assert.Equal(1, Store.CallsOf(StoreCall.List));

        await AdvanceAsync(Showing.PassivateAfter + TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var page = await ReadAsync(batches, manifest.Batch, before);
        Assert.Equal(2, Store.CallsOf(StoreCall.List));
        Assert.Equal("0.jpg", Assert.Single(page.Events).Job!.FileName);
        Assert.NotEqual(before.Epoch, page.Events[0].Id.Epoch);
    }

    [Fact]
    public async Task A_batch_with_a_reader_stays()
    {
        var manifest = StoredBatch(1);
        var loads = CountLoads();
        var batches = Start();
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, TimeSpan.FromMinutes(10)), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "the batch is loaded");
        await AdvanceAsync(2 * Showing.PassivateAfter, TimeSpan.FromSeconds(1));
        await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 0)));

        Assert.True((await reader.ExpectMsgAsync<EventPage>()).Finished);
        Assert.Equal(1, loads());
    }

    [Fact]
    public async Task Commands_that_come_while_a_batch_leaves_are_all_answered()
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
    public async Task A_deletion_is_answered_though_the_batch_was_about_to_leave()
    {
        var manifest = StoredBatch(2);
        var parent = CreateTestProbe();
        var asker = CreateTestProbe();
        var batch = parent.ChildActorOf(Props.Create(() => new BatchActor(manifest.Batch, Store, Showing)));
        batch.Tell(new GetBatch(manifest.Batch), asker);
        await GrantRoomAsync(parent, batch);
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
    public async Task A_reader_of_a_batch_that_leaves_is_answered()
    {
        var manifest = StoredBatch(1);
        var parent = CreateTestProbe();
        var reader = CreateTestProbe();
        var batch = parent.ChildActorOf(Props.Create(() => new BatchActor(manifest.Batch, Store, Showing)));
        batch.Tell(new ReadEvents(manifest.Batch, null, Wait), reader);
        await GrantRoomAsync(parent, batch);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "the batch is loaded");
        await SettleAsync();

        batch.Tell(BatchesProtocol.Leave.Instance, parent);
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Empty(page.Events);
        Assert.False(page.Finished);
    }

    [Fact]
    public async Task So_many_batches_with_readers_are_live_at_once_and_the_next_is_for_later()
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

        await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifests[1], 0)));
        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(manifests[2].Batch));
    }

    [Fact]
    public async Task Batches_that_no_one_waits_for_make_room_in_time()
    {
        var manifests = Enumerable.Range(0, 200).Select(_ => StoredBatch(1)).ToArray();
        var loads = CountLoads();
        var batches = Start(Showing with { MaxLiveJobs = 20 });
        foreach (var manifest in manifests)
            await AskAsync<ResultTaken>(batches, new TakeResult(ResultOf(manifest, 0)));
        Assert.Equal(200, loads());

        await AskAsync<BatchView>(batches, new GetBatch(manifests[^1].Batch));
        Assert.Equal(200, loads());
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 14)]
    [InlineData(40, 2)]
    [InlineData(100, 1)]
    public async Task Jobs_of_live_batches_are_what_is_limited(int jobsInBatch, int liveBatches)
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
    public async Task Small_batches_that_no_one_waits_for_make_room_for_a_large_one()
    {
        var small = Enumerable.Range(0, 60).Select(_ => StoredBatch(1)).ToArray();
        var large = StoredBatch(90);
        var batches = Start(Showing with { MaxLiveJobs = 100 });
        foreach (var manifest in small) await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));

        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(large.Batch));
    }

    [Fact]
    public async Task A_batch_that_is_larger_than_the_limit_is_read_alone()
    {
        var large = StoredBatch(101);
        var small = StoredBatch(1);
        var batches = Start(Showing with { MaxLiveJobs = 100 });
        await AskAsync<BatchView>(batches, new GetBatch(large.Batch));

        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(small.Batch));
        await UntilAnsweredAsync<BatchView>(batches, new GetBatch(large.Batch));
    }

    /// <summary>Counts from now on how often manifests are read for showing.</summary>
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

    private IActorRef Start(ResultSettings? settings = null) =>
        Sys.ActorOf(Props.Create(() => new BatchesActor(Store, settings ?? Showing)));

    private static async Task GrantRoomAsync(TestProbe parent, IActorRef batch)
    {
        await parent.ExpectMsgAsync<BatchesProtocol.WantRoom>();
        batch.Tell(BatchesProtocol.RoomGranted.Instance, parent);
    }

    private Task<EventPage> ReadAsync(IActorRef batches, BatchId batch, EventId? after = null) =>
        AskAsync<EventPage>(batches, new ReadEvents(batch, after, TimeSpan.Zero));

    /// <summary>Asks until the life of the batch that answers otherwise is over.</summary>
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
