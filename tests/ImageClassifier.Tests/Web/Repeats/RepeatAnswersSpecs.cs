using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.Repeats;

/// <summary>How the outbox answers repeats, with real actors on a store and a queue in memory.</summary>
public sealed class RepeatAnswersSpecs : WebSpecs
{
    private static readonly ModelIdentity Model = TestRegistry.Identity(TestRegistry.Old, classes: 10);

    private readonly TestProbe _scaler;
    private readonly BatchManifest _original;

    public RepeatAnswersSpecs(ITestOutputHelper output)
        : base(output)
    {
        _scaler = CreateTestProbe();
        _original = Stored(Scoped(NewBatch(2)), isOpen: false);
        foreach (var picture in new[] { 0, 1 })
            StoreResult(ResultOf(_original, picture, $"label {picture}") with { Model = Model });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task After_a_restart_the_outbox_answers_the_repeats_of_a_stored_manifest(int pictures)
    {
        var manifest = Stored(Repeat(pictures));
        var batches = Start();
        await UntilAsync(() => IsSent(manifest) && !IsOpen(manifest), "the batch is finished");

        Assert.Empty(Requests.All);
        Assert.False(_scaler.HasMessages);
        for (var picture = 0; picture < pictures; picture++)
        {
            var result = Result(manifest, picture)!;
            Assert.True(result.IsWholeAt(ObjectKeys.Result(manifest.Batch, manifest.Jobs[picture].Job)));
            Assert.Equal(ResultOf(_original, picture, $"label {picture}").Predictions, result.Predictions);
            Assert.Equal((true, 1, Model, "web"), (result.Cached, result.Attempt, result.Model, result.InstanceId.Value));
            Assert.Null(result.Timings);
        }

        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.All(view.Jobs, job => Assert.True(job.Cached));
        // Nodes of a batch with one picture need not agree.
        var named = Store.DocumentAt<BatchModel>(ObjectKeys.BatchModel(manifest.Batch))?.Model;
        Assert.Equal(pictures == 1 ? null : Model, named);
    }

    [Fact]
    public async Task A_picture_without_an_original_gets_a_message_as_ever()
    {
        var repeat = Repeat(2);
        var manifest = Stored(repeat with { Jobs = [repeat.Jobs[0], repeat.Jobs[1] with { RepeatOf = null }] });
        Start();
        await UntilAsync(() => IsSent(manifest), "the batch is sent");
        Assert.Equal(manifest.Jobs[1].Job.Value, Assert.Single(Requests.All).GroupId);
        Assert.Equal(1, (await _scaler.ExpectMsgAsync<ScalerProtocol.WorkSent>()).Jobs);
        Assert.NotNull(Result(manifest, 0));
    }

    [Theory]
    [InlineData(Obstacle.BatchIsDeleted)]
    [InlineData(Obstacle.ResultIsMissing)]
    [InlineData(Obstacle.ResultIsDamaged)]
    [InlineData(Obstacle.ResultIsNotFinite)]
    [InlineData(Obstacle.JobFailed)]
    [InlineData(Obstacle.OtherModel)]
    [InlineData(Obstacle.OtherPicture)]
    [InlineData(Obstacle.NoSuchJob)]
    [InlineData(Obstacle.OtherKey)]
    [InlineData(Obstacle.EarlierVersion)]
    [InlineData(Obstacle.StoreIsAway)]
    [InlineData(Obstacle.StoreIsFull)]
    [InlineData(Obstacle.NodeNamedOtherModel)]
    [InlineData(Obstacle.SwitchedOff)]
    [InlineData(Obstacle.UnknownModel)]
    public async Task Whatever_is_wrong_with_the_original_the_pictures_get_messages(Obstacle obstacle)
    {
        var manifest = Repeat(2);
        manifest = Stored(obstacle switch
        {
            Obstacle.OtherPicture => manifest with
            {
                Jobs = [.. manifest.Jobs.Select(job => job with { Sha256 = Hash(9) })],
            },
            Obstacle.NoSuchJob => manifest with
            {
                Jobs = [.. manifest.Jobs.Select(job => job with { RepeatOf = job.RepeatOf! with { Job = JobId.New() } })],
            },
            Obstacle.OtherKey => manifest with { RepeatScope = Hash(8) },
            _ => manifest,
        });
        await PutAsync(obstacle, manifest);
        Start(
            obstacle == Obstacle.SwitchedOff ? RepeatSharing.Off : RepeatSharing.OwnKey,
            obstacle == Obstacle.UnknownModel ? null : Model);
        await UntilAsync(() => IsSent(manifest), "the batch is sent");

        Assert.Equal(
            manifest.Jobs.Select(job => job.Job.Value).Order(), Requests.All.Select(message => message.GroupId).Order());
        Assert.All([0, 1], picture => Assert.Null(Result(manifest, picture)));
    }

    [Fact]
    public async Task Uploads_of_another_key_answer_where_all_keys_share()
    {
        var manifest = Stored(Repeat(2) with { RepeatScope = Hash(8) });
        Start(RepeatSharing.AllKeys);
        await UntilAsync(() => IsSent(manifest), "the batch is finished");
        Assert.Empty(Requests.All);
    }

    [Fact]
    public async Task A_batch_of_a_model_of_the_registry_gets_results_of_that_model_only()
    {
        var other = Stored(Repeat(2) with { Model = TestRegistry.New });
        var same = Stored(Repeat(2) with { Model = TestRegistry.Old });
        Start(model: null);
        await UntilAsync(() => IsSent(other) && IsSent(same), "both are sent");
        Assert.All(Requests.All, message => Assert.Contains(other.Batch.Value, message.Body, StringComparison.Ordinal));
        Assert.Equal(2, Requests.All.Count);
        Assert.All([0, 1], picture => Assert.True(Result(same, picture)!.Cached));
        // Its manifest names the model already.
        Assert.DoesNotContain(ObjectKeys.BatchModel(same.Batch), Store.Keys);
    }

    [Fact]
    public async Task A_result_that_is_stored_already_stays()
    {
        var manifest = Stored(Repeat(1));
        var start = new TaskCompletionSource();
        var result = ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job);
        Store.Before = (call, key) => call == StoreCall.PutIfAbsent && key == result ? start.Task : Task.CompletedTask;
        var batches = Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "the copy is about to be stored");
        StoreResult(ResultOf(manifest, 0, "of a node") with { Model = Model });
        start.SetResult();
        await UntilAsync(() => IsSent(manifest), "the batch is finished");
        Assert.Empty(Requests.All);
        Assert.Equal("of a node", Assert.Single(Result(manifest, 0)!.Predictions).Label);
        var job = Assert.Single((await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch))).Jobs);
        Assert.Null(job.Cached);
    }

    [Fact]
    public async Task A_batch_that_cannot_take_its_results_gets_them_by_messages()
    {
        var manifest = Stored(Repeat(2));
        var batches = CreateTestProbe();
        StartOutbox(batches);
        var take = await batches.ExpectMsgAsync<TakeResults>();
        Assert.All(take.Results, result => Assert.True(result.Cached));
        batches.Reply(new BatchUnavailable(manifest.Batch));
        await UntilAsync(() => IsSent(manifest), "the batch is sent");
        Assert.Equal(2, Requests.All.Count);
    }

    [Fact]
    public async Task A_live_batch_finds_the_copies_of_a_web_node_that_was_killed_before_it_told_of_them()
    {
        var manifest = Stored(Repeat(1));
        var batches = StartBatches();
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        StoreResult(ResultOf(manifest, 0) with { Model = Model, Cached = true });
        var reader = CreateTestProbe();
        batches.Tell(new ReadEvents(manifest.Batch, null, TimeSpan.FromMinutes(10)), reader);
        await AdvanceUntilAsync(() => reader.HasMessages, "the batch looks", TimeSpan.FromSeconds(10));
        Assert.InRange(Time.GetUtcNow() - manifest.SubmittedAt, TimeSpan.Zero, TimeSpan.FromMinutes(3));
        Assert.NotEmpty((await reader.ExpectMsgAsync<EventPage>()).Events);
    }

    [Fact]
    public async Task A_batch_that_is_deleted_meanwhile_leaves_no_result()
    {
        var manifest = Stored(Repeat(2));
        var copied = 0;
        var deleted = new TaskCompletionSource();
        Store.AfterPutIfAbsent = async key =>
        {
            if (!key.StartsWith(ObjectKeys.ResultsOf(manifest.Batch), StringComparison.Ordinal)) return;
            Interlocked.Increment(ref copied);
            await deleted.Task;
        };
        var batches = Start();
        await UntilAsync(() => Volatile.Read(ref copied) > 0, "the copying has begun");
        await AskAsync<BatchDeleted>(batches, new DeleteBatch(manifest.Batch));
        deleted.SetResult();
        await UntilAsync(() => IsSent(manifest), "the outbox is done with it");
        Assert.DoesNotContain(KeysOf(manifest.Batch), key => key.StartsWith(ObjectKeys.Results, StringComparison.Ordinal));
        Assert.Empty(Requests.All);
    }

    [Fact]
    public async Task Repeats_that_wait_for_the_store_count_as_messages_in_memory()
    {
        var (first, second) = (Stored(Repeat(2)), Stored(Repeat(2)));
        var held = new TaskCompletionSource();
        var originals = 0;
        Store.Before = (call, key) =>
        {
            if (call != StoreCall.Get || key != ObjectKeys.Manifest(_original.Batch)) return Task.CompletedTask;
            Interlocked.Increment(ref originals);
            return held.Task;
        };
        StartOutbox(StartBatches(), maxInMemory: 2);
        await UntilAsync(() => Volatile.Read(ref originals) > 0, "the first batch looks for its original");
        await AdvanceAsync(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1));
        Assert.Equal(1, Volatile.Read(ref originals));
        held.SetResult();
        await UntilAsync(() => IsSent(first) && IsSent(second), "both are finished");
        Assert.Empty(Requests.All);
    }

    [Fact]
    public async Task A_finished_batch_is_remembered_once_and_without_copies_and_failures()
    {
        var manifest = Scoped(NewBatch(4));
        manifest = Stored(manifest with { Jobs = [.. manifest.Jobs.Take(3), manifest.Jobs[3] with { Sha256 = null }] });
        var repeats = CreateTestProbe();
        var batches = StartBatches(repeatsActor: repeats);
        StoreResult(ResultOf(manifest, 0) with { Model = Model });
        StoreResult(ResultOf(manifest, 1) with { Model = Model, Cached = true });
        StoreResult(Jobs.Failed(manifest.Request(manifest.Jobs[2], 1)));
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(ResultOf(manifest, 3) with { Model = Model }));
        Assert.False(repeats.HasMessages);
        StoreResult(ResultOf(manifest, 3) with { Model = Model });
        await AskAsync<ResultsTaken>(StartBatches(repeatsActor: repeats), TakeResults.Of(ResultOf(manifest, 3)));

        var remembered = Assert.Single((await repeats.ExpectMsgAsync<RepeatsProtocol.Remember>()).Batches);
        Assert.Equal(
            (manifest.Batch, manifest.RepeatScope, Model.Sha256),
            (remembered.Batch, remembered.Scope, remembered.Model));
        Assert.Equal(new RepeatablePicture(manifest.Jobs[0].Job, Hash(0)), Assert.Single(remembered.Pictures));

        await AskAsync<BatchView>(StartBatches(repeatsActor: repeats), new GetBatch(manifest.Batch));
        Assert.True(await HeardNothingAsync(repeats));
    }

    public enum Obstacle
    {
        BatchIsDeleted,
        ResultIsMissing,
        ResultIsDamaged,
        ResultIsNotFinite,
        JobFailed,
        OtherModel,
        OtherPicture,
        NoSuchJob,
        OtherKey,
        EarlierVersion,
        StoreIsAway,
        StoreIsFull,
        NodeNamedOtherModel,
        SwitchedOff,
        UnknownModel,
    }

    private async Task PutAsync(Obstacle obstacle, BatchManifest manifest)
    {
        foreach (var picture in new[] { 0, 1 })
        {
            var result = ResultOf(_original, picture) with { Model = Model };
            var key = ObjectKeys.Result(_original.Batch, result.Job);
            switch (obstacle)
            {
                case Obstacle.ResultIsMissing:
                    await Store.DeleteAsync(key, default);
                    break;
                case Obstacle.ResultIsDamaged:
                    Store.Set(key, "{");
                    break;
                case Obstacle.ResultIsNotFinite:
                    Store.Set(key, WireJson.Write(result).Replace(
                        "\"probability\":1", "\"probability\":1e999", StringComparison.Ordinal));
                    break;
                case Obstacle.JobFailed:
                    StoreResult(Jobs.Failed(_original.Request(_original.Jobs[picture], 1)) with { Model = Model });
                    break;
                case Obstacle.OtherModel:
                    StoreResult(result with { Model = TestRegistry.Identity(TestRegistry.New) });
                    break;
            }
        }

        switch (obstacle)
        {
            case Obstacle.BatchIsDeleted:
                await Store.DeleteAsync(ObjectKeys.Manifest(_original.Batch), default);
                break;
            case Obstacle.EarlierVersion:
                Store.Set(ObjectKeys.Manifest(_original.Batch), WireJson.Write(_original with { RepeatScope = null }));
                break;
            case Obstacle.StoreIsAway:
                FailCalls(StoreCall.Get, ObjectKeys.Manifest(_original.Batch));
                break;
            case Obstacle.StoreIsFull:
                FailCalls(StoreCall.PutIfAbsent, ObjectKeys.ResultsOf(manifest.Batch));
                break;
            case Obstacle.NodeNamedOtherModel:
                Store.Set(
                    ObjectKeys.BatchModel(manifest.Batch),
                    WireJson.Write(new BatchModel(manifest.Batch, TestRegistry.Identity(TestRegistry.New))));
                break;
        }
    }

    private void FailCalls(StoreCall failing, string prefix) => Store.Before = (call, key) =>
        call == failing && key.StartsWith(prefix, StringComparison.Ordinal)
            ? Task.FromException(new IOException("The store is away."))
            : Task.CompletedTask;

    /// <summary>Starts the outbox and the parent of the live batches, which is returned.</summary>
    private IActorRef Start(RepeatSharing sharing = RepeatSharing.OwnKey) => Start(sharing, Model);

    private IActorRef Start(ModelIdentity? model) => Start(RepeatSharing.OwnKey, model);

    private IActorRef Start(RepeatSharing sharing, ModelIdentity? model)
    {
        var batches = StartBatches();
        StartOutbox(batches, sharing, model);
        return batches;
    }

    private void StartOutbox(IActorRef batches, int maxInMemory = 1000) =>
        StartOutbox(batches, RepeatSharing.OwnKey, Model, maxInMemory);

    private void StartOutbox(IActorRef batches, RepeatSharing sharing, ModelIdentity? model, int maxInMemory = 1000)
    {
        var settings = Uploading.Outbox with { MaxInMemory = maxInMemory };
        var repeats = new RepeatAnswers(Store, batches, sharing, new KnownModels(model, null), Time);
        Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, repeats, _scaler, settings)));
    }

    /// <summary>A batch with the first pictures of the original.</summary>
    private BatchManifest Repeat(int pictures)
    {
        var manifest = Scoped(NewBatch(pictures));
        return manifest with
        {
            Jobs =
            [
                .. manifest.Jobs.Zip(_original.Jobs, (job, original) =>
                    job with { RepeatOf = new OriginalJob(_original.Batch, original.Job) }),
            ],
        };
    }

    private static BatchManifest Scoped(BatchManifest manifest) => manifest with
    {
        RepeatScope = Hash(7),
        Jobs = [.. manifest.Jobs.Select((job, picture) => job with { Sha256 = Hash(picture) })],
    };

    private static string Hash(int digit) => new($"{digit}"[0], 64);

    private BatchManifest Stored(BatchManifest manifest, bool isOpen = true)
    {
        StoreUpload(manifest, isOpen);
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        return manifest;
    }

    private bool IsSent(BatchManifest manifest) => Store.Keys.Contains(ObjectKeys.SentNote(manifest.Batch));

    private JobResult? Result(BatchManifest manifest, int picture) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, manifest.Jobs[picture].Job));
}
