using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Uploads.OutboxProtocol;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class OutboxActorSpecs : WebSpecs
{
    private readonly TestProbe _scaler;

    public OutboxActorSpecs(ITestOutputHelper output)
        : base(output) => _scaler = CreateTestProbe();

    [Fact]
    public async Task Messages_go_ten_per_call_in_order_and_the_scaler_gets_their_number()
    {
        var manifest = StoredBatch(25);
        await StartIdleAsync(manifest);
        await UntilAsync(() => IsNotedAsSent(manifest), "the batch is sent");

        Assert.Equal([10, 10, 5], Requests.BatchSizesOf(QueueCall.Send));
        Assert.Equal(manifest.Jobs.Select(job => job.Job), Sent.Select(request => request.Job));
        Assert.All(Requests.All, message =>
        {
            var request = WireJson.TryRead<ClassificationRequest>(message.Body)!;
            Assert.Equal(request.Job.Value, message.GroupId);
            Assert.Equal($"{request.Job}:1", message.DeduplicationId);
            Assert.Equal(manifest.Batch, request.Batch);
            Assert.Equal(manifest.SubmittedAt, request.SubmittedAt);
            Assert.Contains(request.ImageKey, Store.Keys);
        });
        var reported = 0;
        while (reported < 25) reported += (await _scaler.ExpectMsgAsync<ScalerProtocol.WorkSent>()).Jobs;
        Assert.Equal(25, reported);
    }

    [Fact]
    public async Task The_messages_of_an_earlier_run_keep_the_model_of_their_batch()
    {
        var manifest = StoredBatch(2) with { Model = TestRegistry.New, Fallback = TestRegistry.Old };
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        await Store.ActivateAsync(TestRegistry.Try);
        Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, _scaler, Uploading.Outbox)));
        await UntilAsync(() => IsNotedAsSent(manifest), "the batch is sent");
        Assert.All(Sent, request =>
            Assert.Equal((TestRegistry.New, TestRegistry.Old), (request.Model, request.Fallback)));
        Assert.Equal(2, Sent.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_message_says_whether_its_batch_has_more_jobs(int jobs)
    {
        await StartIdleAsync(StoredBatch(jobs));
        await UntilAsync(() => Sent.Count == jobs, "the batch is sent");

        Assert.All(Sent, request => Assert.Equal(jobs > 1, request.SharesBatch));
    }

    [Fact]
    public async Task Refused_files_are_not_sent()
    {
        var manifest = StoredBatch(1);
        var refused = ManifestJob.Refuse("a.gif", new("unsupported-name", "No."));
        manifest = manifest with { Jobs = [refused, .. manifest.Jobs] };
        await StartIdleAsync(manifest);
        await UntilAsync(() => IsNotedAsSent(manifest), "the batch is sent");

        Assert.Equal(manifest.Jobs[1].Job, Assert.Single(Sent).Job);
    }

    [Fact]
    public async Task While_the_queue_is_unavailable_it_backs_off_and_then_sends_everything()
    {
        var isAway = true;
        Requests.CallFailure = call =>
            call == QueueCall.Send && Volatile.Read(ref isAway) ? new QueueUnavailableException("It is away.") : null;
        var manifests = Enumerable.Range(0, 5).Select(_ => StoredBatch(15)).ToArray();
        await StartIdleAsync(manifests);
        await UntilAsync(() => Requests.CallsOf(QueueCall.Send) == 2, "sending was tried");
        await SettleAsync();
        Assert.Equal(2, Requests.CallsOf(QueueCall.Send));

        await AdvanceAsync(TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(500));
        Assert.InRange(Requests.CallsOf(QueueCall.Send), 6, 40);

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => manifests.All(IsNotedAsSent), "all is sent", TimeSpan.FromSeconds(1));
        AssertSentOnce(manifests.SelectMany(manifest => manifest.Jobs));
    }

    [Fact]
    public async Task Only_entries_that_the_queue_did_not_accept_are_sent_again()
    {
        var manifest = StoredBatch(10);
        var unlucky = manifest.Jobs[3].Job.Value;
        var refusals = 2;
        Requests.EntryOutcome = (_, body) =>
            body.Contains(unlucky, StringComparison.Ordinal) && Interlocked.Decrement(ref refusals) >= 0
                ? new QueueOutcome(QueueOutcomeKind.Retriable, "Not now.")
                : null;
        await StartIdleAsync(manifest);
        await UntilAsync(() => Requests.All.Count == 9, "the others are there");
        Assert.False(IsNotedAsSent(manifest));

        await AdvanceUntilAsync(() => IsNotedAsSent(manifest), "the last is sent");
        Assert.Equal([10, 1, 1], Requests.BatchSizesOf(QueueCall.Send));
        AssertSentOnce(manifest.Jobs);
    }

    [Fact]
    public async Task An_entry_that_is_refused_permanently_does_not_delay_the_rest()
    {
        var manifest = StoredBatch(3);
        var wrong = manifest.Jobs[1].Job.Value;
        Requests.EntryOutcome = (_, body) => body.Contains(wrong, StringComparison.Ordinal)
            ? new QueueOutcome(QueueOutcomeKind.Invalid, "Too long.")
            : null;
        await StartIdleAsync(manifest);
        await UntilAsync(() => IsNotedAsSent(manifest), "the batch is done with");

        AssertSentOnce([manifest.Jobs[0], manifest.Jobs[2]]);
    }

    [Fact]
    public async Task After_a_restart_unsent_messages_are_sent()
    {
        var unsent = StoredBatch(12);
        var partlyDone = StoredBatch(3);
        StoreResult(ResultOf(partlyDone, 1));
        var sent = StoredBatch(2);
        Store.Set(ObjectKeys.SentNote(sent.Batch), "");
        var finished = StoredBatch(2);
        StoreResult(ResultOf(finished, 0));
        StoreResult(ResultOf(finished, 1));
        var uploading = NewBatch(2);
        StoreUpload(uploading);

        StartNow();
        await UntilAsync(() => IsNotedAsSent(unsent) && IsNotedAsSent(partlyDone), "the unsent are sent");
        await UntilAsync(() => !IsOpen(finished), "the finished one is closed");
        AssertSentOnce([.. unsent.Jobs, partlyDone.Jobs[0], partlyDone.Jobs[2]]);
        Assert.All([unsent, partlyDone, sent, uploading], batch => Assert.True(IsOpen(batch)));
    }

    [Fact]
    public async Task After_a_kill_it_continues_with_the_unsent_batches()
    {
        var taken = 0;
        Requests.CallFailure = call => call == QueueCall.Send && Interlocked.Increment(ref taken) > 2
            ? new QueueUnavailableException("It is away.")
            : null;
        var manifests = Enumerable.Range(0, 3).Select(_ => StoredBatch(20)).ToArray();
        var first = await StartIdleAsync(manifests);
        await UntilAsync(() => Requests.All.Count == 20 && IsNotedAsSent(manifests[0]), "some is sent");
        Watch(first);
        first.Tell(Kill.Instance);
        await ExpectTerminatedAsync(first);

        Requests.CallFailure = null;
        StartNow();
        await UntilAsync(() => manifests.All(IsNotedAsSent), "all is sent");
        AssertSentOnce(manifests.SelectMany(manifest => manifest.Jobs));
    }

    [Fact]
    public async Task Messages_beyond_the_memory_limit_are_read_from_the_store_later()
    {
        var held = new TaskCompletionSource();
        Requests.Before = call => call == QueueCall.Send ? held.Task : Task.CompletedTask;
        var manifests = Enumerable.Range(0, 8).Select(_ => StoredBatch(20)).ToArray();
        await StartIdleAsync(Uploading.Outbox with { MaxInMemory = 20, Parallelism = 1 }, manifests);
        await SettleAsync();
        var readsBefore = Store.CallsOf(StoreCall.Get);

        held.SetResult();
        await UntilAsync(() => manifests.All(IsNotedAsSent), "all is sent");
        AssertSentOnce(manifests.SelectMany(manifest => manifest.Jobs));
        Assert.True(Store.CallsOf(StoreCall.Get) > readsBefore);
    }

    [Fact]
    public async Task A_batch_accepted_during_the_search_for_open_ones_is_sent_once()
    {
        var looked = new TaskCompletionSource();
        var read = new TaskCompletionSource();
        var sending = new TaskCompletionSource();
        Store.Before = (call, key) => call == StoreCall.List && key == ObjectKeys.OpenBatches ? looked.Task
            : call == StoreCall.Get && key.EndsWith("manifest.json", StringComparison.Ordinal) ? read.Task
            : Task.CompletedTask;
        Requests.Before = call => call == QueueCall.Send ? sending.Task : Task.CompletedTask;
        var manifest = StoredBatch(15);
        var outbox = StartNow();
        looked.SetResult();
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) > 0, "the batch was found");
        outbox.Tell(new SendBatch(manifest));
        await UntilAsync(() => Requests.CallsOf(QueueCall.Send) == 2, "it is being sent");
        read.SetResult();
        await SettleAsync();

        sending.SetResult();
        await UntilAsync(() => IsNotedAsSent(manifest), "it is sent");
        await SettleAsync();
        Assert.Equal([10, 5], Requests.BatchSizesOf(QueueCall.Send));

        var next = StoredBatch(1);
        outbox.Tell(new SendBatch(next));
        await UntilAsync(() => IsNotedAsSent(next), "it sends again");
    }

    [Fact]
    public async Task A_batch_that_cannot_be_read_delays_no_other()
    {
        var broken = StoredBatch(1);
        Store.Set(ObjectKeys.Manifest(broken.Batch), "{");
        var found = Enumerable.Range(0, 3).Select(_ => StoredBatch(1)).ToArray();
        var outbox = StartNow();
        await AdvanceUntilAsync(() => found.All(IsNotedAsSent), "the readable batch is sent");

        for (var i = 0; i < 3; i++)
        {
            await AdvanceAsync(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1));
            var next = StoredBatch(1);
            outbox.Tell(new SendBatch(next));
            await UntilAsync(() => IsNotedAsSent(next), "a new batch is sent at once");
        }
    }

    [Fact]
    public async Task A_failed_listing_of_open_batches_is_retried()
    {
        var manifest = StoredBatch(1);
        Store.FailNext(StoreCall.List, times: 3);
        StartNow();

        await AdvanceUntilAsync(() => IsNotedAsSent(manifest), "the batch is sent", TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task Messages_sent_to_a_lost_queue_are_sent_to_the_new_one()
    {
        var manifest = StoredBatch(3);
        var outbox = StartNow();
        outbox.Tell(new QueueIdentified("first"));
        await AdvanceUntilAsync(() => IsNotedAsSent(manifest) && Requests.All.Count == 3, "the batch is sent");

        outbox.Tell(new QueueIdentified("first"));
        await SettleAsync();
        Requests.LoseAll("second");
        outbox.Tell(new QueueIdentified("second"));

        await AdvanceUntilAsync(() => Requests.All.Count == 3, "the batch is sent again");
        AssertSentOnce(manifest.Jobs);
    }

    [Fact]
    public async Task After_a_restart_messages_sent_to_a_lost_queue_are_sent_again()
    {
        var lost = StoredBatch(2);
        Store.Set(ObjectKeys.SentNote(lost.Batch), "first");
        var kept = StoredBatch(2);
        Store.Set(ObjectKeys.SentNote(kept.Batch), "second");
        var outbox = StartNow();

        outbox.Tell(new QueueIdentified("second"));

        await AdvanceUntilAsync(() => Requests.All.Count == 2, "the lost batch is sent");
        await SettleAsync();
        AssertSentOnce(lost.Jobs);
    }

    [Fact]
    public async Task Messages_of_a_batch_that_was_cancelled_while_the_queue_was_away_are_not_sent()
    {
        var isAway = true;
        Requests.CallFailure = call =>
            call == QueueCall.Send && Volatile.Read(ref isAway) ? new QueueUnavailableException("It is away.") : null;
        var cancelled = StoredBatch(15);
        var wanted = StoredBatch(15);
        var outbox = await StartIdleAsync(cancelled, wanted);
        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(500));
        Store.Set(
            ObjectKeys.BatchStop(cancelled.Batch), WireJson.Write(new BatchStop(cancelled.Batch, StopCause.Cancelled)));

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => IsNotedAsSent(wanted), "the other batch is sent", TimeSpan.FromSeconds(1));
        AssertSentOnce(wanted.Jobs);
        // A note would stay for ever if the batch is deleted now.
        Assert.False(IsNotedAsSent(cancelled));
        outbox.Tell(new SendUnsent(cancelled.Batch));
        await SettleAsync();
        AssertSentOnce(wanted.Jobs);
    }

    [Fact]
    public async Task Messages_that_are_sent_at_once_cost_no_look_for_a_cancel()
    {
        var manifest = StoredBatch(25);
        var looks = 0;
        Store.Before = (_, key) =>
        {
            if (key == ObjectKeys.BatchStop(manifest.Batch)) Interlocked.Increment(ref looks);
            return Task.CompletedTask;
        };
        await StartIdleAsync(manifest);
        await UntilAsync(() => IsNotedAsSent(manifest), "the batch is sent");
        Assert.Equal(0, looks);
    }

    private IReadOnlyList<ClassificationRequest> Sent =>
        [.. Requests.All.Select(message => WireJson.TryRead<ClassificationRequest>(message.Body)!)];

    private bool IsNotedAsSent(BatchManifest manifest) => Store.Keys.Contains(ObjectKeys.SentNote(manifest.Batch));

    private void AssertSentOnce(IEnumerable<ManifestJob> jobs) =>
        Assert.Equal(
            jobs.Select(job => job.Job.Value).Order(StringComparer.Ordinal),
            Sent.Select(request => request.Job.Value).Order(StringComparer.Ordinal));

    private IActorRef StartNow(OutboxSettings? settings = null) => Sys.ActorOf(
        Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, _scaler, settings ?? Uploading.Outbox)));

    private Task<IActorRef> StartIdleAsync(params BatchManifest[] batches) => StartIdleAsync(Uploading.Outbox, batches);

    /// <summary>Starts with an empty store, and hands batches to the outbox as they are accepted.</summary>
    private async Task<IActorRef> StartIdleAsync(OutboxSettings settings, params BatchManifest[] batches)
    {
        var markers = batches.Select(manifest => ObjectKeys.OpenMarker(manifest.Batch)).ToArray();
        foreach (var marker in markers) await Store.DeleteAsync(marker, CancellationToken.None);
        var outbox = StartNow(settings);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) == 1, "open batches were looked for");
        await SettleAsync();
        foreach (var marker in markers) Store.Set(marker, "");
        foreach (var manifest in batches) outbox.Tell(new SendBatch(manifest));
        return outbox;
    }
}
