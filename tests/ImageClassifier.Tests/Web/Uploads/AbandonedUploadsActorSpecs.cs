using System.Collections.Concurrent;
using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class AbandonedUploadsActorSpecs(ITestOutputHelper output) : WebSpecs(output)
{
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
    public async Task A_failed_sweep_is_repeated()
    {
        var abandoned = NewBatch(1);
        StoreUpload(abandoned);
        Store.FailNext(StoreCall.List, times: 17);
        Start();
        await AdvanceUntilAsync(
            () => !KeysOf(abandoned.Batch).Any(), "the abandoned upload is cleaned up", Uploading.SweepInterval);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_marker_of_a_deadline_is_removed_too(bool hasOpenMarker)
    {
        var abandoned = NewBatch(1);
        StoreUpload(abandoned, hasOpenMarker);
        Store.Set(ObjectKeys.StopMarker(abandoned.Batch, Time.GetUtcNow() + TimeSpan.FromDays(1)), "");
        var accepted = StoredBatch(1);
        Store.Set(ObjectKeys.StopMarker(accepted.Batch, Time.GetUtcNow() + TimeSpan.FromDays(1)), "");
        Start();
        await AdvanceUntilAsync(
            () => !Store.Keys.Any(key =>
                key.StartsWith(ObjectKeys.OpenMarker(abandoned.Batch), StringComparison.Ordinal)),
            "no marker is left", Uploading.SweepInterval);
        Assert.Contains(Store.Keys, key =>
            key.StartsWith(ObjectKeys.StopMarkersOf(accepted.Batch), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_abandoned_uploads_are_removed_with_their_pictures()
    {
        BatchManifest abandoned = NewBatch(3), underWay = NewBatch(3);
        StoreUpload(abandoned);
        StoreUpload(underWay);
        var accepted = StoredBatch(3);
        Start();
        await PassTimeAsync(TimeSpan.FromMinutes(10));
        var young = NewBatch(3);
        StoreUpload(young);
        // What a running upload does, on any node.
        Store.Set(ObjectKeys.OpenMarker(underWay.Batch), "");
        await PassTimeAsync(TimeSpan.FromMinutes(6));

        await UntilAsync(() => PicturesOf(abandoned) == 0, "the abandoned upload is cleaned up");
        Assert.Equal(3, PicturesOf(underWay));
        Assert.Equal(5, KeysOf(accepted.Batch).Count());
        Assert.Equal(4, KeysOf(young.Batch).Count());

        await PassTimeAsync(TimeSpan.FromMinutes(30));
        await UntilAsync(() => !KeysOf(abandoned.Batch).Any(), "the tombstone is removed");
        Assert.Equal(5, KeysOf(accepted.Batch).Count());
    }

    [Fact]
    public async Task A_sweep_keeps_a_batch_whose_manifest_is_stored_just_before_the_tombstone()
    {
        var manifest = NewBatch(3);
        StoreUpload(manifest);
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.PutIfAbsent) Store.Set(key, WireJson.Write(manifest));
            return Task.CompletedTask;
        };
        Start();
        await PassTimeAsync(TimeSpan.FromMinutes(40));

        Assert.Equal(1, Store.CallsOf(StoreCall.PutIfAbsent));
        Assert.Equal(5, KeysOf(manifest.Batch).Count());
    }

    [Fact]
    public async Task A_picture_that_a_paused_upload_stores_after_the_sweep_is_removed()
    {
        var manifest = NewBatch(1);
        StoreUpload(manifest);
        Start();
        await PassTimeAsync(TimeSpan.FromMinutes(17));
        await UntilAsync(() => PicturesOf(manifest) == 0, "the upload is abandoned");
        Store.Set(manifest.Jobs[0].ImageKey!, "late");

        await PassTimeAsync(TimeSpan.FromMinutes(20));
        await UntilAsync(() => !KeysOf(manifest.Batch).Any(), "nothing is left");
    }

    [Fact]
    public async Task Two_sweeps_at_once_remove_each_upload()
    {
        var uploads = Enumerable.Range(0, 10).Select(_ => NewBatch(2)).ToArray();
        foreach (var upload in uploads) StoreUpload(upload);
        var accepted = StoredBatch(2);
        Start();
        Start();
        await AdvanceUntilAsync(
            () => !uploads.Any(upload => KeysOf(upload.Batch).Any()), "all are removed", Uploading.SweepInterval);
        Assert.Equal(4, KeysOf(accepted.Batch).Count());
    }

    private int PicturesOf(BatchManifest manifest) =>
        KeysOf(manifest.Batch).Count(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));

    private IActorRef Start() => Sys.ActorOf(Props.Create(() => new AbandonedUploadsActor(Store, Uploading)));

    private Task PassTimeAsync(TimeSpan time) => AdvanceAsync(time, Uploading.SweepInterval);
}
