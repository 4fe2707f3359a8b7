using System.Collections.Concurrent;
using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
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
    public async Task So_many_are_admitted_so_many_wait_and_the_rest_are_told_to_come_back()
    {
        var uploads = Start();
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        var third = AskToUpload(uploads, BatchId.New());

        Assert.Equal(Uploading.RetryAfter, (await AskAsync<Overloaded>(uploads, new Admit(BatchId.New()))).RetryAfter);
        Assert.True(await HeardNothingAsync(third));
    }

    [Fact]
    public async Task A_place_that_is_given_back_goes_to_who_waits_longest()
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
    public async Task Who_gives_up_waiting_takes_no_place_later()
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
    public async Task A_place_that_was_never_taken_is_given_back_to_no_effect()
    {
        var uploads = Start(Uploading with { MaxWaiting = 0 });
        uploads.Tell(new Release(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        await AskAsync<Admitted>(uploads, new Admit(BatchId.New()));
        uploads.Tell(new Release(BatchId.New()));

        await AskAsync<Overloaded>(uploads, new Admit(BatchId.New()));
    }

    [Fact]
    public async Task Places_go_round_without_end()
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
    public async Task A_manifest_that_is_there_already_stays_and_is_what_is_committed()
    {
        var first = StoredBatch(2);
        var second = NewBatch(1) with { Batch = first.Batch };

        var committed = await AskAsync<Committed>(Start(), new Commit(second));
        Assert.Equal(first.Jobs, committed.Manifest.Jobs);
        // It may have been sent long ago.
        Assert.Equal(first.Batch, (await _outbox.ExpectMsgAsync<OutboxProtocol.SendUnsent>()).Batch);
        Assert.Equal(first.Jobs, Store.DocumentAt<BatchManifest>(ObjectKeys.Manifest(first.Batch))!.Jobs);
    }

    [Fact]
    public async Task Into_one_batch_there_is_one_upload_at_a_time()
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
    public async Task While_a_manifest_is_written_or_leftovers_are_removed_no_upload_resumes_the_batch()
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
    public async Task Among_many_open_batches_each_look_is_bounded_and_all_abandoned_uploads_go()
    {
        foreach (var _ in Enumerable.Range(0, 450)) StoredBatch(1);
        var abandoned = Enumerable.Range(0, 5).Select(_ => NewBatch(1)).ToArray();
        foreach (var upload in abandoned) StoreUpload(upload);
        // A look begins an interval after the one before it has ended, so what is read at one time is of one look.
        var reads = new ConcurrentDictionary<DateTimeOffset, int>();
        Store.Before = (call, _) =>
        {
            if (call == StoreCall.Get) reads.AddOrUpdate(Time.GetUtcNow(), 1, (_, count) => count + 1);
            return Task.CompletedTask;
        };
        Start();
        await AdvanceUntilAsync(
            () => !abandoned.Any(upload => KeysOf(upload.Batch).Any()), "all are cleaned up", Uploading.SweepInterval);

        // 200 whose marker is old; for each that is abandoned a second look, and the look for its claim in two places.
        Assert.InRange(reads.Values.Max(), 1, 200 + 3 * abandoned.Length);
    }

    [Fact]
    public async Task Abandoned_uploads_go_with_their_pictures_and_no_others_do()
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
    public async Task A_batch_whose_manifest_is_being_written_is_not_swept_though_its_request_gave_up()
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
    public async Task A_sweep_that_fails_is_made_again()
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
