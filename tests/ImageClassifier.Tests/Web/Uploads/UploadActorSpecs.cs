using System.Collections.Concurrent;
using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class UploadActorSpecs : WebSpecs
{
    private readonly TestProbe _outbox;

    public UploadActorSpecs(ITestOutputHelper output)
        : base(output) => _outbox = CreateTestProbe();

    [Fact]
    public async Task Uploads_are_admitted_then_queued_then_refused_with_a_retry_time()
    {
        var uploads = Start();
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        var third = AskToUpload(uploads, BatchId.New());

        Assert.Equal(Uploading.RetryAfter, (await AskAsync<Overloaded>(uploads, new Admit(BatchId.New()))).RetryAfter);
        Assert.True(await HeardNothingAsync(third));
    }

    [Fact]
    public async Task A_released_slot_goes_to_the_longest_waiting_upload()
    {
        var uploads = Start(Uploading with { MaxWaiting = 2 });
        var first = BatchId.New();
        await AskAsync<Admitted>(uploads, new Admit(first));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        var third = AskToUpload(uploads, BatchId.New());
        var fourth = AskToUpload(uploads, BatchId.New());

        uploads.Tell(new Release(first));
        await third.ExpectMsgAsync<Admitted>();
        Assert.True(await HeardNothingAsync(fourth));
    }

    [Fact]
    public async Task An_upload_that_stops_waiting_gets_no_slot()
    {
        var uploads = Start();
        BatchId first = BatchId.New(), gaveUp = BatchId.New();
        await AskAsync<Admitted>(uploads, new Admit(first));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        var waiting = AskToUpload(uploads, gaveUp);
        uploads.Tell(new Release(gaveUp));

        uploads.Tell(new Release(first));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        Assert.True(await HeardNothingAsync(waiting));
    }

    [Fact]
    public async Task Releasing_an_unused_slot_has_no_effect()
    {
        var uploads = Start(Uploading with { MaxWaiting = 0 });
        uploads.Tell(new Release(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        uploads.Tell(new Release(BatchId.New()));

        await AskAsync<Overloaded>(uploads, new Admit(BatchId.New()));
    }

    [Fact]
    public async Task Slots_can_be_reused_without_end()
    {
        var uploads = Start(Uploading with { MaxConcurrent = 1, MaxWaiting = 0 });
        for (var i = 0; i < 50; i++)
        {
            var batch = BatchId.New();
            await AskAsync<Admitted>(uploads, new Admit(batch));
            uploads.Tell(new Release(batch));
        }
    }

    [Fact]
    public async Task A_commit_is_answered_and_sent_only_once_its_manifest_is_stored()
    {
        var stored = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? stored.Task : Task.CompletedTask;
        var manifest = NewBatch(2);
        var caller = CreateTestProbe();
        Start().Tell(new Commit(manifest), caller);
        Assert.True(await HeardNothingAsync(caller));
        Assert.True(await HeardNothingAsync(_outbox));

        stored.SetResult();
        Assert.Equal(manifest.Batch, (await caller.ExpectMsgAsync<Committed>()).Manifest.Batch);
        Assert.Same(manifest, (await _outbox.ExpectMsgAsync<OutboxProtocol.SendBatch>()).Manifest);
        var read = Store.DocumentAt<BatchManifest>(ObjectKeys.Manifest(manifest.Batch))!;
        Assert.Equal(manifest.Jobs, read.Jobs);
        Assert.Equal(manifest.SubmittedAt, read.SubmittedAt);
    }

    [Fact]
    public async Task A_manifest_that_cannot_be_stored_accepts_nothing()
    {
        Store.FailNext(StoreCall.PutIfAbsent);
        var manifest = NewBatch(1);
        await AskAsync<CommitFailed>(Start(), new Commit(manifest));

        Assert.True(await HeardNothingAsync(_outbox));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Fact]
    public async Task An_existing_manifest_is_kept_and_returned_by_the_commit()
    {
        var first = StoredBatch(2);
        var second = NewBatch(1) with { Batch = first.Batch };

        var committed = await AskAsync<Committed>(Start(), new Commit(second));
        Assert.Equal(first.Jobs, committed.Manifest.Jobs);
        // The existing manifest may have been sent long ago.
        Assert.Equal(first.Batch, (await _outbox.ExpectMsgAsync<OutboxProtocol.SendUnsent>()).Batch);
        Assert.Equal(first.Jobs, Store.DocumentAt<BatchManifest>(ObjectKeys.Manifest(first.Batch))!.Jobs);
    }

    [Fact]
    public async Task A_batch_has_one_upload_at_a_time()
    {
        var uploads = Start(Uploading with { MaxConcurrent = 4 });
        BatchId first = BatchId.New(), second = BatchId.New(), third = BatchId.New();
        foreach (var place in (BatchId[])[first, second, third]) await AskAsync<Admitted>(uploads, new Admit(place));

        var refused = await AskAsync<UnderWay>(uploads, new ResumeBatch(second, first));
        Assert.Equal(Uploading.RetryAfter, refused.RetryAfter);
        uploads.Tell(new Release(first));
        await AskAsync<Admitted>(uploads, new ResumeBatch(second, first));
        await AskAsync<UnderWay>(uploads, new ResumeBatch(third, first));
        await AskAsync<UnderWay>(uploads, new ResumeBatch(BatchId.New(), BatchId.New()));
    }

    [Fact]
    public async Task No_upload_resumes_a_batch_during_its_commit_or_its_removal()
    {
        var committing = NewBatch(1);
        var abandoned = NewBatch(1);
        StoreUpload(abandoned);
        var held = new TaskCompletionSource();
        Store.Before = (call, _) => call is StoreCall.PutIfAbsent or StoreCall.Delete ? held.Task : Task.CompletedTask;
        var uploads = Start();
        uploads.Tell(new Commit(committing), TestActor);
        await PassTimeAsync(TimeSpan.FromMinutes(20));
        await UntilAsync(() => Store.CallsOf(StoreCall.Delete) == 1, "leftovers are being removed");
        var place = BatchId.New();
        await AskAsync<Admitted>(uploads, new Admit(place));

        await AskAsync<UnderWay>(uploads, new ResumeBatch(place, committing.Batch));
        await AskAsync<UnderWay>(uploads, new ResumeBatch(place, abandoned.Batch));
        held.SetResult();
        await ExpectMsgAsync<Committed>();
        await UntilAsync(() => !KeysOf(abandoned.Batch).Any(), "the leftovers are gone");
        await SettleAsync();
        await AskAsync<Admitted>(uploads, new ResumeBatch(place, abandoned.Batch));
    }

    [Fact]
    public async Task Each_sweep_is_bounded_and_all_abandoned_uploads_are_removed_in_turn()
    {
        foreach (var _ in Enumerable.Range(0, 450)) StoredBatch(1);
        var abandoned = Enumerable.Range(0, 5).Select(_ => NewBatch(1)).ToArray();
        foreach (var upload in abandoned) StoreUpload(upload);
        // A sweep starts an interval after the end of the previous one, so reads at one time belong to one sweep.
        var reads = new ConcurrentDictionary<DateTimeOffset, int>();
        Store.Before = (call, _) =>
        {
            if (call == StoreCall.Get) reads.AddOrUpdate(Time.GetUtcNow(), 1, (_, count) => count + 1);
            return Task.CompletedTask;
        };
        Start();
        await AdvanceUntilAsync(
            () => !abandoned.Any(upload => KeysOf(upload.Batch).Any()), "all are cleaned up", Uploading.SweepInterval);

        // 200 batches with an old marker. Each abandoned one needs a second check, and two reads to find its claim.
        Assert.InRange(reads.Values.Max(), 1, 200 + 3 * abandoned.Length);
    }

    [Fact]
    public async Task Only_abandoned_uploads_are_removed_with_their_pictures()
    {
        BatchManifest abandoned = NewBatch(3), underWay = NewBatch(3);
        StoreUpload(abandoned);
        StoreUpload(underWay);
        var accepted = StoredBatch(3);
        var uploads = Start();
        await AskAsync<Admitted>(uploads, new Admit(underWay.Batch));
        await PassTimeAsync(TimeSpan.FromMinutes(10));
        var young = NewBatch(3);
        StoreUpload(young);
        await PassTimeAsync(TimeSpan.FromMinutes(6));

        await UntilAsync(() => !KeysOf(abandoned.Batch).Any(), "the abandoned upload is cleaned up");
        Assert.Equal(4, KeysOf(underWay.Batch).Count());
        Assert.Equal(5, KeysOf(accepted.Batch).Count());
        Assert.Equal(4, KeysOf(young.Batch).Count());

        uploads.Tell(new Release(underWay.Batch));
        await PassTimeAsync(TimeSpan.FromMinutes(1));
        await UntilAsync(() => !KeysOf(underWay.Batch).Any(), "what was under way is abandoned too");
    }

    [Fact]
    public async Task A_sweep_skips_a_batch_whose_manifest_is_being_written()
    {
        var manifest = NewBatch(3);
        StoreUpload(manifest);
        var stored = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? stored.Task : Task.CompletedTask;
        var uploads = Start();
        await AskAsync<Admitted>(uploads, new Admit(manifest.Batch));
        uploads.Tell(new Commit(manifest), TestActor);
        uploads.Tell(new Release(manifest.Batch));
        await PassTimeAsync(TimeSpan.FromMinutes(20));

        stored.SetResult();
        await ExpectMsgAsync<Committed>();
        Assert.Equal(5, KeysOf(manifest.Batch).Count());
    }

    [Fact]
    public async Task A_failed_sweep_is_repeated()
    {
        var abandoned = NewBatch(1);
        StoreUpload(abandoned);
        Store.FailNext(StoreCall.List, times: 17);
        Start();
        await PassTimeAsync(TimeSpan.FromMinutes(20));

        await UntilAsync(() => !KeysOf(abandoned.Batch).Any(), "the abandoned upload is cleaned up");
    }

    private IActorRef Start(UploadSettings? settings = null) =>
        Sys.ActorOf(Props.Create(() => new UploadActor(Store, _outbox, settings ?? Uploading)));

    private TestProbe AskToUpload(IActorRef uploads, BatchId batch)
    {
        var caller = CreateTestProbe();
        uploads.Tell(new Admit(batch), caller);
        return caller;
    }

    private Task PassTimeAsync(TimeSpan time) => AdvanceAsync(time, Uploading.SweepInterval);
}
