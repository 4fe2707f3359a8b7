using System.Globalization;
using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web;

/// <summary>A web tier that is killed after any of its writes: after a restart it finishes what it began.</summary>
public sealed class KilledSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private const string Claim = "0123abcd";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private bool _isDead;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deletion_killed_after_any_write_is_finished_later(bool isOpen)
    {
        for (var writes = 1; ; writes++)
        {
            var manifest = WholeBatch(isOpen);
            var batches = Start();
            KillAfter(writes);
            var answer = await AskAsync<IBatchAnswer>(batches[^1], new DeleteBatch(manifest.Batch));
            await StopAsync(batches);
            Store.Before = null;
            if (answer is BatchDeleted)
            {
                Assert.Empty(Store.Keys);
                Assert.InRange(writes, 10, 100);
                return;
            }

            var next = Start();
            await AdvanceUntilAsync(() => Store.Keys.Count == 0, "nothing is left of the batch", Minute / 2);
            await StopAsync(next);
            // At the next sweep already, not after an upload's time limit.
            Assert.Empty(Requests.All);
        }
    }

    [Fact]
    public async Task A_cancel_killed_after_any_write_is_finished_later_or_has_not_begun()
    {
        for (var writes = 0; ; writes++)
        {
            var manifest = WholeBatch(isOpen: true);
            var batches = Start();
            KillAfter(writes);
            var answer = await AskAsync<IBatchAnswer>(batches[^1], new CancelWaiting(manifest.Batch));
            await StopAsync(batches);
            var isThrough = answer is WaitingCancelled && !_isDead;
            Store.Before = null;

            var next = Start();
            var waited = ObjectKeys.Result(manifest.Batch, manifest.Jobs[1].Job);
            if (writes == 0) Assert.DoesNotContain(waited, Store.Keys);
            else
            {
                await AdvanceUntilAsync(() => !IsOpen(manifest), "the batch is closed", Minute / 2);
                Assert.Equal(JobErrorCodes.Cancelled, Store.DocumentAt<JobResult>(waited)!.Error!.Code);
                var done = ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job);
                Assert.Equal(JobStatus.Classified, Store.DocumentAt<JobResult>(done)!.Status);
            }

            Assert.Empty(Requests.All);
            await AskAsync<BatchDeleted>(next[^1], new DeleteBatch(manifest.Batch));
            await StopAsync(next);
            Assert.Empty(Store.Keys);
            if (!isThrough) continue;
            Assert.InRange(writes, 3, 10);
            return;
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task An_upload_killed_after_any_write_is_accepted_or_leaves_nothing(bool hasKey, bool hasDeadline)
    {
        for (var writes = 1; ; writes++)
        {
            var actors = Start();
            KillAfter(writes);
            await UploadAsync(actors[0], hasKey, hasDeadline);
            await StopAsync(actors);
            var isThrough = Store.Before is not null && !_isDead;
            Store.Before = null;

            var next = Start();
            var accepted = Store.Keys.SingleOrDefault(key => key.EndsWith("manifest.json", StringComparison.Ordinal));
            if (accepted is null)
            {
                await AdvanceUntilAsync(() => Store.Keys.Count == 0, "nothing is left of the upload", Minute);
                Assert.Empty(Requests.All);
            }
            else
            {
                var manifest = Store.DocumentAt<BatchManifest>(accepted)!;
                await AdvanceUntilAsync(
                    () => Store.Keys.Contains(ObjectKeys.SentNote(manifest.Batch)), "it is sent", Minute / 2);
                Assert.Contains(Requests.All, message => message.GroupId == manifest.Jobs[0].Job.Value);
                await AskAsync<BatchDeleted>(next[^1], new DeleteBatch(manifest.Batch));
                Assert.Empty(Store.Keys);
            }

            await StopAsync(next);
            if (isThrough) return;
        }
    }

    /// <summary>Lets a number of writes through, then fails every read and write as after a kill.</summary>
    private void KillAfter(int writes)
    {
        var left = writes;
        _isDead = false;
        Store.Before = (call, _) =>
        {
            var isWrite = call is StoreCall.Put or StoreCall.PutIfAbsent or StoreCall.Delete;
            if (isWrite && Interlocked.Decrement(ref left) < 0) _isDead = true;
            return _isDead ? Task.FromException(new IOException("The process is dead.")) : Task.CompletedTask;
        };
    }

    private BatchManifest WholeBatch(bool isOpen)
    {
        var manifest = NewBatch(2) with { Claim = Claim };
        StoreUpload(manifest, isMarked: isOpen);
        Store.Set(ObjectKeys.Claim(Claim), $$"""{"batch":"{{manifest.Batch}}"}""");
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        Store.Set(ObjectKeys.Attempt(manifest.Batch, manifest.Jobs[0].Job), WireJson.Write(new JobAttempt(2, 1)));
        if (isOpen) Store.Set(ObjectKeys.RedriveMarker(manifest.Batch, "r"), "");
        StoreResult(ResultOf(manifest, 0));
        if (!isOpen) StoreResult(ResultOf(manifest, 1));
        return manifest;
    }

    private async Task UploadAsync(IActorRef uploads, bool hasKey, bool hasDeadline)
    {
        using var form = Upload.Form(Upload.Jpeg("a.jpg"), Upload.Png("b.png"));
        if (hasDeadline)
        {
            var deadline = Time.GetUtcNow().AddDays(2);
            form.Add(new StringContent(deadline.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)), "deadline");
        }

        var context = new DefaultHttpContext();
        context.Request.ContentType = form.Headers.ContentType!.ToString();
        context.Request.Body = await form.ReadAsStreamAsync();
        if (hasKey) context.Request.Headers[IdempotencyKey.Header] = "k";
        var queues = new QueuePair(Requests, Responses);
        using var limit = new UploadLimit(Uploading, Time);
        var models = new ModelChoice(Store, Time, NullLogger<ModelChoice>.Instance);
        await new UploadRequest(
            Store, queues, Uploading, limit, models, Callbacks, References, FindsNoRepeats, Time,
            NullLogger<UploadRequest>.Instance)
            .RunAsync(uploads, context.Request, maxFiles: 10, IdempotencyScope.Batches);
    }

    /// <summary>Starts the tier once more.</summary>
    private IActorRef[] Start()
    {
        var scaler = CreateTestProbe();
        var outbox = Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, scaler, Uploading.Outbox)));
        var uploads = Sys.ActorOf(Props.Create(() => new UploadActor(Store, outbox)));
        var abandoned = Sys.ActorOf(Props.Create(() => new AbandonedUploadsActor(Store, Uploading)));
        var batches = StartBatches();
        var openBatches = Sys.ActorOf(Props.Create(() => new OpenBatchesActor(
            Requests, Store, outbox, batches, Uploading.SweepInterval, Losing)));
        return [uploads, outbox, abandoned, openBatches, batches];
    }

    private async Task StopAsync(IActorRef[] actors)
    {
        foreach (var actor in actors)
        {
            Watch(actor);
            Sys.Stop(actor);
            await ExpectTerminatedAsync(actor);
        }
    }
}
