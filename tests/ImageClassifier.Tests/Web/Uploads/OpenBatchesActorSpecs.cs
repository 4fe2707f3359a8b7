using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Uploads.OutboxProtocol;

namespace ImageClassifier.Tests.Web.Uploads;

/// <summary>Accepted jobs whose messages are lost, with the real outbox and the fake queue.</summary>
public sealed class OpenBatchesActorSpecs : WebSpecs
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LostAfter = Losing.LostAfter;

    private readonly TestProbe _batches;
    private readonly TestProbe _scaler;

    public OpenBatchesActorSpecs(ITestOutputHelper output)
        : base(output)
    {
        _batches = CreateTestProbe();
        _scaler = CreateTestProbe();
    }

    [Fact]
    public async Task A_job_whose_messages_are_lost_is_sent_again_twice_and_then_fails()
    {
        var manifest = SentBatch(2);
        StoreResult(ResultOf(manifest, 0));
        Start();
        await PassAsync(LostAfter - 2 * Minute);
        Assert.Empty(Requests.All);

        for (var attempt = 2; attempt <= 3; attempt++)
        {
            await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
            var request = WireJson.TryRead<ClassificationRequest>(Requests.All[0].Body)!;
            Assert.Equal(
                manifest.Request(manifest.Jobs[1], attempt) with { SubmittedAt = request.SubmittedAt }, request);
            Assert.Equal(manifest.SubmittedAt, request.SubmittedAt);
            await LoseAllAsync();
            var sentAt = Time.GetUtcNow();
            await PassAsync(LostAfter - 2 * Minute);
            Assert.Empty(Requests.All);
            Assert.True(Time.GetUtcNow() - sentAt < LostAfter);
        }

        await PassUntilAsync(() => StoredResult(manifest, 1) is not null, "it has failed");
        var result = StoredResult(manifest, 1)!;
        Assert.Equal((JobStatus.Failed, JobErrorCodes.Lost, 3), (result.Status, result.Error!.Code, result.Attempt));
        Assert.Contains("3 times", result.Error.Message, StringComparison.Ordinal);
        var sent = await _batches.FishForMessageAsync<TakeResults>(_ => true);
        Assert.Equal(WireJson.Write(result), WireJson.Write(Assert.Single(sent.Results)));
        await PassAsync(2 * LostAfter);
        Assert.Empty(Requests.All);
        Assert.False(IsOpen(manifest));
    }

    [Fact]
    public async Task A_job_that_is_sent_again_keeps_the_model_of_its_batch()
    {
        var manifest = SentBatch(1) with { Model = TestRegistry.New, Fallback = TestRegistry.Old };
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        await Store.ActivateAsync(TestRegistry.Try);
        Start();
        await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
        var request = WireJson.TryRead<ClassificationRequest>(Requests.All[0].Body)!;
        Assert.Equal((TestRegistry.New, TestRegistry.Old), (request.Model, request.Fallback));
    }

    [Fact]
    public async Task Restarts_do_not_reset_the_count_of_lost_messages()
    {
        var manifest = SentBatch(1);
        var sent = 0;
        for (var life = 0; life < 5 && StoredResult(manifest, 0) is null; life++)
        {
            var (sweeper, outbox) = Start();
            await PassUntilAsync(
                () => Requests.All.Count == 1 || StoredResult(manifest, 0) is not null, "the queue or the batch changed");
            sent += Requests.All.Count;
            await LoseAllAsync();
            await StopAsync(sweeper);
            await StopAsync(outbox);
        }

        Assert.Equal(2, sent);
        Assert.Equal(JobErrorCodes.Lost, StoredResult(manifest, 0)!.Error!.Code);
    }

    [Fact]
    public async Task With_a_backlog_and_no_results_no_job_counts_as_lost()
    {
        SentBatch(1);
        Requests.Put("another");
        Start();
        await PassAsync(3 * LostAfter);
        Assert.Single(Requests.All);

        await LoseAllAsync();
        await PassAsync(Minute);
        Assert.Empty(Requests.All);
        await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
    }

    [Fact]
    public async Task With_a_constant_backlog_a_job_is_lost_long_after_the_result_of_a_later_job()
    {
        var manifest = SentBatch(1);
        Requests.Put("another");
        var (sweeper, _) = Start();
        // A backlog that takes an hour to drain.
        for (var minute = 0; minute < 60; minute++)
        {
            sweeper.Tell(new ResultReceived(manifest.SubmittedAt));
            await PassAsync(Minute);
        }

        Assert.Single(Requests.All);
        sweeper.Tell(new ResultReceived(Time.GetUtcNow()));
        await PassAsync(LostAfter - Minute);
        Assert.Single(Requests.All);

        await PassUntilAsync(() => Requests.All.Count == 2, "it is sent again");
        // No result of a job sent after the second attempt exists, so that attempt does not count as lost.
        await PassAsync(3 * LostAfter);
        Assert.Equal(2, Requests.All.Count);
    }

    [Fact]
    public async Task While_the_queue_cannot_be_measured_no_job_counts_as_lost()
    {
        SentBatch(1);
        Requests.FailNext(QueueCall.Measure, times: 30);
        Start();
        await PassAsync(30 * Minute);
        Assert.Empty(Requests.All);

        await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
    }

    [Fact]
    public async Task A_result_that_arrives_while_the_job_is_given_up_wins()
    {
        var manifest = SentBatch(1);
        Store.Set(ObjectKeys.Attempt(manifest.Batch, manifest.Jobs[0].Job), WireJson.Write(new JobAttempt(3, 2)));
        var late = ResultOf(manifest, 0);
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.PutIfAbsent && key == ObjectKeys.Result(manifest.Batch, late.Job)) StoreResult(late);
            return Task.CompletedTask;
        };
        Start();
        await PassUntilAsync(() => StoredResult(manifest, 0) is not null, "it is there");

        Assert.Equal(JobStatus.Classified, StoredResult(manifest, 0)!.Status);
        Assert.Equal(JobStatus.Classified, Assert.Single((await _batches.FishForMessageAsync<TakeResults>(_ => true)).Results).Status);
    }

    [Fact]
    public async Task A_redrive_resets_the_count_of_lost_messages()
    {
        var manifest = SentBatch(1);
        Store.Set(ObjectKeys.Attempt(manifest.Batch, manifest.Jobs[0].Job), WireJson.Write(new JobAttempt(7, 0)));
        Start();
        await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
        Assert.Equal(8, WireJson.TryRead<ClassificationRequest>(Requests.All[0].Body)!.Attempt);
    }

    [Fact]
    public async Task A_job_that_the_queue_refuses_permanently_fails_in_the_end()
    {
        Requests.EntryOutcome = (call, _) =>
            call == QueueCall.Send ? new QueueOutcome(QueueOutcomeKind.Invalid, "Wrong.") : null;
        var manifest = StoredBatch(1);
        var (_, outbox) = Start();
        outbox.Tell(new SendBatch(manifest));

        await PassUntilAsync(() => StoredResult(manifest, 0) is not null, "it has failed");
        Assert.Equal(JobErrorCodes.Lost, StoredResult(manifest, 0)!.Error!.Code);
    }

    [Fact]
    public async Task A_batch_unknown_to_the_outbox_is_found_and_sent_without_a_restart()
    {
        Start();
        await SettleAsync();
        var manifest = StoredBatch(3);

        await PassUntilAsync(() => Requests.All.Count == 3, "it is sent");
        await PassUntilAsync(() => Store.Keys.Contains(ObjectKeys.SentNote(manifest.Batch)), "it is noted");
        await PassAsync(5 * Minute);
        Assert.Equal(3, Requests.All.Count);
    }

    [Fact]
    public async Task A_batch_that_could_not_be_marked_as_sent_is_marked_later_and_sent_once()
    {
        var manifest = StoredBatch(2);
        var failures = 3;
        Store.Before = (call, key) => key == ObjectKeys.SentNote(manifest.Batch) && call == StoreCall.Put
            && Interlocked.Decrement(ref failures) >= 0
                ? Task.FromException(new IOException("The store is away."))
                : Task.CompletedTask;
        var (_, outbox) = Start();
        outbox.Tell(new SendBatch(manifest));

        await PassUntilAsync(() => Store.Keys.Contains(ObjectKeys.SentNote(manifest.Batch)), "it is noted");
        Assert.Equal([2], Requests.BatchSizesOf(QueueCall.Send));
    }

    [Fact]
    public async Task Each_sweep_visits_a_limited_number_of_batches_and_all_get_their_turn()
    {
        foreach (var _ in Enumerable.Range(0, 7)) SentBatch(1);
        await PassAsync(LostAfter + Minute);
        Start(Losing with { BatchesASweep = 3 });
        // The queue counts as empty after three measurements, so the third sweep is the first that finds something.
        await PassUntilAsync(() => Requests.All.Count > 0, "some are sent again");
        await SettleAsync();
        Assert.InRange(Requests.All.Count, 1, 3);
        Assert.Equal(Requests.All.Count, Store.Keys.Count(key => key.Contains("/attempts/", StringComparison.Ordinal)));

        for (var i = 0; i < 20; i++)
        {
            await LoseAllAsync();
            await PassAsync(Minute);
        }

        Assert.Equal(7, Store.Keys.Count(key => key.Contains("/attempts/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_live_batch_reads_missed_results_from_the_store()
    {
        var manifest = SentBatch(2);
        var batches = StartBatches();
        var reader = CreateTestProbe();
        Start(batches: batches);
        batches.Tell(new ReadEvents(manifest.Batch, null, TimeSpan.FromHours(2)), reader);
        await UntilAsync(() => Store.CallsOf(StoreCall.List) >= 2, "it is live");
        await SettleAsync();
        StoreResult(ResultOf(manifest, 0));
        StoreResult(ResultOf(manifest, 1));

        await PassUntilAsync(() => reader.HasMessages, "the reader hears of it");
        var page = await reader.ExpectMsgAsync<EventPage>();
        Assert.Equal((3, true), (page.Events.Count, page.Finished));
        await UntilAsync(() => !IsOpen(manifest), "the marker is removed");
    }

    [Fact]
    public async Task Catching_up_reads_only_missing_results_and_does_not_delay_passivation()
    {
        var manifest = SentBatch(2);
        StoreResult(ResultOf(manifest, 0));
        await PassAsync(LostAfter + Minute);
        var reads = 0;
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.Get && key == ObjectKeys.Result(manifest.Batch, manifest.Jobs[0].Job)) reads++;
            return Task.CompletedTask;
        };
        var batches = StartBatches();
        Start(batches: batches);
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        // Several sweeps, before and after the time at which the batch passivates.
        await PassAsync(Showing.PassivateAfter + 3 * Minute);
        Assert.Equal(1, reads);

        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task A_batch_that_cannot_be_read_delays_no_other_and_noted_attempts_are_sent()
    {
        var manifests = Enumerable.Range(0, 3).Select(_ => SentBatch(1))
            .OrderBy(manifest => manifest.Batch.Value, StringComparer.Ordinal).ToArray();
        var unreadable = ObjectKeys.Manifest(manifests[1].Batch);
        Store.Before = (call, key) => call == StoreCall.Get && key == unreadable
            ? Task.FromException(new IOException("It cannot be read."))
            : Task.CompletedTask;
        Start();

        foreach (var readable in (BatchManifest[])[manifests[0], manifests[2]])
        {
            await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
            var request = WireJson.TryRead<ClassificationRequest>(Requests.All[0].Body)!;
            Assert.Equal((readable.Batch, 2), (request.Batch, request.Attempt));
            await LoseAllAsync();
        }
    }

    [Fact]
    public async Task A_sweep_is_repeated_while_the_store_is_unavailable()
    {
        SentBatch(1);
        Start();
        Store.FailNext(StoreCall.List, times: 10);
        await PassUntilAsync(() => Requests.All.Count == 1, "it is sent again");
    }

    private BatchManifest SentBatch(int pictures)
    {
        var manifest = StoredBatch(pictures);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        return manifest;
    }

    private JobResult? StoredResult(BatchManifest manifest, int picture) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, manifest.Jobs[picture].Job));

    /// <summary>Removes every message from the queue, as if they were lost.</summary>
    private async Task LoseAllAsync()
    {
        while (Requests.All.Count > 0)
        {
            var received = await Requests.ReceiveAsync(10, TimeSpan.Zero, Minute, CancellationToken.None);
            await Requests.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
        }
    }

    private (IActorRef Sweeper, IActorRef Outbox) Start(LostJobSettings? settings = null, IActorRef? batches = null)
    {
        var outbox = Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, _scaler, Uploading.Outbox)));
        var known = batches ?? _batches;
        var sweeper = Sys.ActorOf(Props.Create(() => new OpenBatchesActor(
            Requests, Store, outbox, known, Uploading.SweepInterval, settings ?? Losing)));
        return (sweeper, outbox);
    }

    private async Task StopAsync(IActorRef actor)
    {
        Watch(actor);
        Sys.Stop(actor);
        await ExpectTerminatedAsync(actor);
    }

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, Minute / 2);

    private Task PassUntilAsync(Func<bool> condition, string because) =>
        AdvanceUntilAsync(condition, because, Minute / 2);
}
