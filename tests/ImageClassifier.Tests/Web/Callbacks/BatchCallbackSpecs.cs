using System.Text.Json;
using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>Which deliveries a batch stores, and when.</summary>
public sealed class BatchCallbackSpecs(ITestOutputHelper output) : CallbackSpecs(output)
{
    private const string Url = "https://receiver.example/hook";

    [Fact]
    public async Task A_finished_batch_stores_its_delivery_before_it_is_closed()
    {
        var manifest = Upload(CallbackEvents.Batch, pictures: 2);
        var wasStoredFirst = false;
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.Delete && key == ObjectKeys.OpenMarker(manifest.Batch)) wasStoredFirst = Waiting.Count == 1;
            return Task.CompletedTask;
        };
        var callbacks = CreateTestProbe();
        var batches = StartBatches(callbackActor: callbacks);
        await TakeAsync(batches, manifest, 0);
        await SettleAsync();
        Assert.Empty(Waiting);
        await TakeAsync(batches, manifest, 1);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.True(wasStoredFirst);
        await callbacks.ExpectMsgAsync<CallbackProtocol.MakeDeliveries>();

        var delivery = Stored(Assert.Single(Waiting));
        Assert.Equal(($"{manifest.Batch}-2", Url, "upload-script"), (delivery.Id, delivery.Url, delivery.Key));
        var body = JsonDocument.Parse(delivery.Body).RootElement;
        Assert.Equal("batch.finished", body.GetProperty("type").GetString());
        Assert.Equal(delivery.CreatedAt, body.GetProperty("timestamp").GetDateTimeOffset());
        var data = body.GetProperty("data");
        Assert.Equal(manifest.Batch.Value, data.GetProperty("batchId").GetString());
        Assert.Equal((2, 2, 0), (Number(data, "total"), Number(data, "completed"), Number(data, "failed")));
        Assert.Equal($"/api/batches/{manifest.Batch}", data.GetProperty("links").GetProperty("self").GetString());
    }

    [Fact]
    public async Task Each_result_has_a_delivery_of_its_own_and_a_repeated_one_has_none()
    {
        var manifest = Upload(CallbackEvents.Job, pictures: 2);
        var batches = StartBatches();
        await TakeAsync(batches, manifest, 0);
        await UntilAsync(() => Waiting.Count == 1, "the delivery is stored");
        var delivery = Stored(Waiting[0]);
        var job = manifest.Jobs[0].Job;
        Assert.Equal($"{job}-1", delivery.Id);
        var body = JsonDocument.Parse(delivery.Body).RootElement;
        Assert.Equal("job.finished", body.GetProperty("type").GetString());
        Assert.Equal(job.Value, body.GetProperty("data").GetProperty("job").GetProperty("jobId").GetString());

        await Store.DeleteAsync(Waiting[0].Key, default);
        await TakeAsync(batches, manifest, 0);
        await SettleAsync();
        Assert.Empty(Waiting);
    }

    [Fact]
    public async Task A_delivery_says_that_the_result_is_that_of_an_earlier_upload()
    {
        var manifest = Upload(CallbackEvents.Job, pictures: 1);
        await AskAsync<ResultsTaken>(StartBatches(), TakeResults.Of(ResultOf(manifest, 0) with { Cached = true }));
        await UntilAsync(() => Waiting.Count == 1, "the delivery is stored");
        var data = JsonDocument.Parse(Stored(Waiting[0]).Body).RootElement.GetProperty("data");
        Assert.True(data.GetProperty("job").GetProperty("cached").GetBoolean());
    }

    [Theory]
    [InlineData(CallbackEvents.Batch, 1)]
    [InlineData(CallbackEvents.Job, 2)]
    public async Task Results_that_came_while_no_web_node_ran_are_delivered(CallbackEvents events, int deliveries)
    {
        var manifest = Upload(events, pictures: 2);
        foreach (var picture in new[] { 0, 1 }) StoreResult(ResultOf(manifest, picture));
        // The responses are still on the queue.
        await TakeAsync(StartBatches(), manifest, 0);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.Equal(deliveries, Waiting.Count);
    }

    [Theory]
    [InlineData(CallbackEvents.Batch, 1)]
    [InlineData(CallbackEvents.Job, 2)]
    public async Task A_sweep_that_closes_a_batch_stores_its_deliveries(CallbackEvents events, int deliveries)
    {
        var manifest = Upload(events, pictures: 2);
        foreach (var picture in new[] { 0, 1 }) StoreResult(ResultOf(manifest, picture));
        var outbox = new StoredOutbox(Store, Time);
        Assert.IsType<OutboxRead.Nothing>(await outbox.LoadOpenAsync(manifest.Batch, default));
        Assert.False(IsOpen(manifest));
        Assert.Equal(deliveries, Waiting.Count);
    }

    [Fact]
    public async Task Results_of_an_unfinished_batch_that_nobody_delivered_are_delivered_when_it_is_read()
    {
        var manifest = Upload(CallbackEvents.Job, pictures: 2);
        StoreResult(ResultOf(manifest, 0));
        await AskAsync<IBatchAnswer>(StartBatches(), new GetBatch(manifest.Batch));
        await UntilAsync(() => Waiting.Count == 1, "the delivery is stored");
    }

    [Fact]
    public async Task A_batch_that_is_read_again_stores_no_delivery_again()
    {
        var manifest = Upload(CallbackEvents.Job, pictures: 3);
        foreach (var picture in new[] { 0, 1 }) StoreResult(ResultOf(manifest, picture));
        Store.Set(CallbackKeys.Settled(manifest.Batch, new CallbackSubject(manifest.Jobs[0].Job, 1)), "");
        Store.Set(CallbackKeys.DeadCallback(manifest.Batch, new CallbackSubject(manifest.Jobs[1].Job, 1)), "{}");
        await TakeAsync(StartBatches(), manifest, 2);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
        Assert.Equal(manifest.Jobs[2].Job, Assert.Single(Waiting).Subject.Job);
    }

    [Fact]
    public async Task A_batch_stays_open_while_its_delivery_cannot_be_stored()
    {
        var manifest = Upload(CallbackEvents.Batch, pictures: 1);
        Store.FailNext(StoreCall.PutIfAbsent);
        await TakeAsync(StartBatches(), manifest, 0);
        await SettleAsync();
        Assert.Empty(Waiting);
        Assert.True(IsOpen(manifest));
        await new StoredOutbox(Store, Time).LoadOpenAsync(manifest.Batch, default);
        Assert.Single(Waiting);
        Assert.False(IsOpen(manifest));
    }

    [Fact]
    public async Task The_result_of_a_redriven_job_is_another_delivery()
    {
        var manifest = Upload(CallbackEvents.Job, pictures: 1);
        var request = Jobs.Request(manifest.Batch, manifest.Jobs[0].Job);
        var batches = StartBatches();
        var failed = Jobs.Failed(request);
        StoreResult(failed);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(failed));
        await UntilAsync(() => Waiting.Count == 1, "the failure is delivered");
        var classified = Jobs.Classified(Jobs.Request(manifest.Batch, manifest.Jobs[0].Job, attempt: 2), "cat");
        StoreResult(classified);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(classified));
        await UntilAsync(() => Waiting.Count == 2, "the label is delivered");
        Assert.Equal([1, 2], Waiting.Select(waiting => waiting.Subject.Attempt));
    }

    private BatchManifest Upload(CallbackEvents events, int pictures)
    {
        var manifest = NewBatch(pictures) with { Callback = new CallbackWish(Url, events, "upload-script") };
        StoreUpload(manifest);
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        return manifest;
    }

    private async Task TakeAsync(IActorRef batches, BatchManifest manifest, int picture)
    {
        var result = ResultOf(manifest, picture);
        StoreResult(result);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(result));
    }

    private CallbackDelivery Stored(WaitingCallback waiting) => Store.DocumentAt<CallbackDelivery>(waiting.Key)!;

    private static int Number(JsonElement data, string name) => data.GetProperty(name).GetInt32();
}
