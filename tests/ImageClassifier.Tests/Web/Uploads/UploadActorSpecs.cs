using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core.Messages;
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
    public async Task An_abandoned_upload_cannot_commit()
    {
        var manifest = NewBatch(1);
        var tombstone = WireJson.Write(BatchManifest.Tombstone(manifest.Batch, Time.GetUtcNow()));
        Store.Set(ObjectKeys.Manifest(manifest.Batch), tombstone);

        await AskAsync<CommitFailed>(Start(), new Commit(manifest));
        Assert.Equal(tombstone, Store.TextAt(ObjectKeys.Manifest(manifest.Batch)));
        Assert.True(await HeardNothingAsync(_outbox));
    }

    private IActorRef Start() => Sys.ActorOf(Props.Create(() => new UploadActor(Store, _outbox)));
}
