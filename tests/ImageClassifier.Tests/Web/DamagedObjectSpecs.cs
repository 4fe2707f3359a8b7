using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.DeadLetters;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web;

/// <summary>A damaged object loses its own content and nothing else. Each reader of the web tier meets each
/// damage.</summary>
public sealed class DamagedObjectSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public static TheoryData<string> All => Damages.Names;

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_batch_with_a_damaged_manifest_is_reported_and_can_be_deleted(string damage)
    {
        var manifest = StoredBatch(2);
        StoreResult(ResultOf(manifest, 0));
        Damage(ObjectKeys.Manifest(manifest.Batch), damage);
        var batches = StartBatches();

        await AskAsync<BatchDamaged>(batches, new GetBatch(manifest.Batch));
        await AskAsync<BatchDamaged>(batches, new ReadEvents(manifest.Batch, null, Minute));
        Assert.Null((await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 1)))).SubmittedAt);
        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        Assert.Empty(KeysOf(manifest.Batch));
        await AskAsync<NoSuchBatch>(batches, new GetBatch(manifest.Batch));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_damaged_result_fails_its_job_and_the_others_stay_readable(string damage)
    {
        var manifest = StoredBatch(3);
        for (var picture = 0; picture < 3; picture++) StoreResult(ResultOf(manifest, picture));
        Damage(ObjectKeys.Result(manifest.Batch, manifest.Jobs[1].Job), damage);
        // Other objects next to the results are ignored.
        Store.Set($"{ObjectKeys.ResultsOf(manifest.Batch)}notes.txt", "not ours");
        Store.Set($"{ObjectKeys.ResultsOf(manifest.Batch)}more/{JobId.New()}.json", "{");
        var batches = StartBatches();

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(
            [JobStatus.Classified, JobStatus.Failed, JobStatus.Classified], view.Jobs.Select(job => job.Status));
        Assert.Equal(JobErrorCodes.ResultDamaged, view.Jobs[1].ErrorCode);
        var page = await AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, null, Minute));
        Assert.Equal((4, true), (page.Events.Count, page.Finished));
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");

        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        Assert.Empty(KeysOf(manifest.Batch));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_damaged_result_is_logged_with_its_key_and_replaced_by_a_good_one(string damage)
    {
        var manifest = StoredBatch(1);
        StoreResult(ResultOf(manifest, 0));
        var key = ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job);
        Damage(key, damage);
        var batches = StartBatches();
        await EventFilter.Error(contains: key).ExpectOneAsync(
            () => AskAsync<BatchView>(batches, new GetBatch(manifest.Batch)));

        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 0, "dog")));
        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(JobStatus.Classified, view.Jobs[0].Status);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Sweeps_and_the_outbox_continue_after_damaged_objects(string damage)
    {
        var unsent = StoredBatch(1);
        var sent = StoredBatch(1);
        Store.Set(ObjectKeys.SentNote(sent.Batch), "");
        foreach (var broken in (BatchManifest[])[unsent, sent]) Damage(ObjectKeys.Manifest(broken.Batch), damage);
        var lost = StoredBatch(2);
        Store.Set(ObjectKeys.SentNote(lost.Batch), "");
        StoreResult(ResultOf(lost, 1));
        Damage(ObjectKeys.Result(lost.Batch, lost.Jobs[1].Job), damage);
        var note = ObjectKeys.Attempt(lost.Batch, lost.Jobs[0].Job);
        Store.Set(note, WireJson.Write(new JobAttempt(2, 1)));
        Damage(note, damage);
        var outbox = Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, TestActor, Uploading.Outbox)));
        Sys.ActorOf(Props.Create(() => new OpenBatchesActor(
            Requests, Store, outbox, TestActor, Uploading.SweepInterval, Losing)));

        var good = StoredBatch(1);
        await PassUntilAsync(() => Requests.All.Count > 0, "the undamaged batch is sent");
        Assert.Equal(good.Batch, Sent[0].Batch);
        await Requests.DeleteAsync(
            [.. (await Requests.ReceiveAsync(10, TimeSpan.Zero, Minute, default)).Select(message => message.Receipt)],
            default);
        await PassUntilAsync(() => Sent.Any(request => request.Batch == lost.Batch), "the lost messages are sent again");
        var again = Sent.First(request => request.Batch == lost.Batch);
        Assert.Equal(lost.Jobs[0].Job, again.Job);
        Assert.True(again.Attempt >= 2);

        // An operator restores a manifest from a copy.
        Store.Set(ObjectKeys.Manifest(unsent.Batch), WireJson.Write(unsent));
        await PassUntilAsync(() => Sent.Any(request => request.Batch == unsent.Batch), "the restored batch is sent");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_redrive_replaces_a_damaged_result_and_keeps_the_letter_of_a_damaged_manifest(string damage)
    {
        var dead = new FakeMessageQueue(Time);
        var desk = new DeadRequests(dead, Requests, Store);
        BatchManifest broken = StoredBatch(1), damaged = StoredBatch(1);
        Damage(ObjectKeys.Manifest(broken.Batch), damage);
        StoreResult(ResultOf(damaged, 0));
        Damage(ObjectKeys.Result(damaged.Batch, damaged.Jobs[0].Job), damage);
        foreach (var manifest in (BatchManifest[])[broken, damaged])
            dead.Put(WireJson.Write(manifest.Request(manifest.Jobs[0], 1)), manifest.Jobs[0].Job.Value);

        var letters = await desk.ListAsync(2, default);
        Assert.Equal([JobStatus.Queued, JobStatus.Failed], letters.Select(letter => letter.Status!.Value));
        Assert.Equal(JobErrorCodes.ResultDamaged, letters[1].Error!.Code);
        var outcomes = await CompletedAsync(desk.RedriveAsync(null, default));
        Assert.Equal([LetterFate.Kept, LetterFate.Redriven], outcomes.Select(outcome => outcome.Fate));
        Assert.Contains(ObjectKeys.Manifest(broken.Batch), outcomes[0].Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(ObjectKeys.Result(damaged.Batch, damaged.Jobs[0].Job), Store.Keys);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_damaged_claim_can_be_claimed_again(string damage)
    {
        var claims = new BatchClaims(Store);
        BatchId first = BatchId.New(), second = BatchId.New();
        var key = ObjectKeys.Claim("k");
        await claims.ClaimAsync("k", first, default);
        Damage(key, damage);

        var named = await claims.ClaimAsync("k", second, default);
        // A claim that names another batch does not look damaged.
        if (damage != "another's") Assert.Equal(second, named);
        Assert.Equal(named, await claims.ClaimAsync("k", BatchId.New(), default));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_damaged_node_record_is_a_sign_of_life(string damage)
    {
        var record = new NodeRecord(
            InstanceId.Parse("0123456789abcdef0123456789abcdef"), InstanceState.Running, 1, null,
            new ModelIdentity("m", "0"));
        Store.Set(ObjectKeys.Node(record.InstanceId), WireJson.Write(record));
        Damage(ObjectKeys.Node(record.InstanceId), damage);

        var sighting = Assert.Single(await new NodeRecordReader(Store).ReadAsync(default));
        Assert.Equal((record.InstanceId, (NodeRecord?)null), (sighting.Id, sighting.Record));
    }

    [Fact]
    public async Task A_document_with_a_byte_order_mark_is_read()
    {
        var manifest = StoredBatch(1);
        var key = ObjectKeys.Manifest(manifest.Batch);
        Store.Set(key, [0xEF, 0xBB, 0xBF, .. WireJson.WriteUtf8(manifest)]);
        Assert.NotNull((await Store.ReadDocumentAsync<BatchManifest>(key, default)).OrNull);
    }

    private IReadOnlyList<ClassificationRequest> Sent =>
        [.. Requests.All.Select(message => WireJson.TryRead<ClassificationRequest>(message.Body)!)];

    private void Damage(string key, string damage) => Store.Set(key, Damages.Of(damage, Store.TextAt(key)!));

    private Task PassUntilAsync(Func<bool> condition, string because) =>
        AdvanceUntilAsync(condition, because, Minute / 2);
}
