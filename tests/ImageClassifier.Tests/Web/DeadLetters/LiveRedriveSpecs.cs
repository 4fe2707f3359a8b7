using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.DeadLetters;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.DeadLetters;

/// <summary>Redrives that race with the closing of their batch.</summary>
public sealed class LiveRedriveSpecs : WebSpecs
{
    private const int Receives = 6;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeMessageQueue _dead;

    public LiveRedriveSpecs(ITestOutputHelper output)
        : base(output) => _dead = new FakeMessageQueue(new ImpatientClock());

    private DeadRequests Desk => new(_dead, Requests, Store);

    [Fact]
    public async Task A_lost_redrive_of_a_live_batch_is_sent_again()
    {
        var manifest = FailedBatch(3);
        var batches = StartBatches();
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
        await Desk.RedriveAsync(null, default);
        Assert.Equal(3, Requests.All.Count);

        await EndAsync(batches, manifest, picture: 0, attempt: 2);
        await LoseAllAsync();
        Start(batches);
        await AdvanceUntilAsync(() => Requests.All.Count == 2, "the other two are sent again", Minute / 2);
        Assert.True(IsOpen(manifest));
        Assert.Equal(
            [(manifest.Jobs[1].Job, 3), (manifest.Jobs[2].Job, 3)],
            Requests.All.Select(message => WireJson.TryRead<ClassificationRequest>(message.Body)!)
                .Select(request => (request.Job, request.Attempt)));

        await EndAsync(batches, manifest, picture: 1, attempt: 3);
        await SettleAsync();
        Assert.True(IsOpen(manifest));
        await EndAsync(batches, manifest, picture: 2, attempt: 3);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed again");
    }

    [Fact]
    public async Task An_earlier_failure_does_not_end_a_redriven_job_and_remains_if_the_redrive_is_lost()
    {
        var manifest = FailedBatch(1);
        var job = manifest.Jobs[0].Job;
        Store.Set(ObjectKeys.Attempt(manifest.Batch, job), WireJson.Write(new JobAttempt(2, OpenBatchSweep.MaxLost)));
        Start(StartBatches());
        await SettleAsync();
        Assert.True(IsOpen(manifest));

        await AdvanceUntilAsync(() => !IsOpen(manifest), "it is given up", Minute / 2);
        var stored = Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, job))!;
        Assert.Equal((JobErrorCodes.TooManyAttempts, 2), (stored.Error!.Code, stored.Attempt));
    }

    [Fact]
    public async Task A_redrive_at_any_step_of_a_closing_keeps_the_batch_open()
    {
        var between = 0;
        for (var isThrough = false; !isThrough; between++)
        {
            var manifest = FailedBatch(3);
            var left = between;
            var isRedriving = false;
            isThrough = true;
            Store.Before = async (_, _) =>
            {
                if (isRedriving || --left >= 0) return;
                if (left < -1) return;
                isRedriving = true;
                isThrough = false;
                await Desk.RedriveAsync(null, default);
                isRedriving = false;
            };
            await new BatchClosing(Store, (_, _) => Task.CompletedTask).CloseIfDoneAsync(manifest, default);
            Store.Before = null;
            Assert.Equal(!isThrough, IsOpen(manifest));
            await EmptyAsync();
        }

        Assert.InRange(between, 5, 100);
    }

    [Fact]
    public async Task A_closing_at_any_step_of_a_redrive_keeps_the_batch_open()
    {
        var between = 0;
        for (var isThrough = false; !isThrough; between++)
        {
            var manifest = FailedBatch(3);
            var left = between;
            var isClosing = false;
            isThrough = true;
            Store.Before = async (_, _) =>
            {
                if (isClosing || --left >= 0) return;
                if (left < -1) return;
                isClosing = true;
                isThrough = false;
                await new BatchClosing(Store, (_, _) => Task.CompletedTask).CloseIfDoneAsync(manifest, default);
                isClosing = false;
            };
            await Desk.RedriveAsync(null, default);
            Store.Before = null;
            Assert.True(IsOpen(manifest));
            await EmptyAsync();
        }

        Assert.InRange(between, 12, 100);
    }

    /// <summary>A clock whose waits for letters end at once.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
    }

    private static JobResult FailureOf(BatchManifest manifest, int picture) =>
        Jobs.Failed(manifest.Request(manifest.Jobs[picture], 1), JobErrorCodes.TooManyAttempts);

    private async Task EndAsync(IActorRef batches, BatchManifest manifest, int picture, int attempt)
    {
        var result = Jobs.Classified(manifest.Request(manifest.Jobs[picture], attempt));
        StoreResult(result);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(result));
    }

    /// <summary>An open batch whose jobs have all failed and have letters.</summary>
    private BatchManifest FailedBatch(int pictures)
    {
        var manifest = StoredBatch(pictures);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        for (var picture = 0; picture < pictures; picture++)
        {
            StoreResult(FailureOf(manifest, picture));
            var request = manifest.Request(manifest.Jobs[picture], 1);
            _dead.Put(WireJson.Write(request), request.Job.Value, Receives);
        }

        return manifest;
    }

    private void Start(IActorRef batches)
    {
        var outbox = Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, NoRepeats, TestActor, Uploading.Outbox)));
        Sys.ActorOf(Props.Create(() => new OpenBatchesActor(
            Requests, Store, outbox, batches, Uploading.SweepInterval, Losing)));
    }

    private async Task EmptyAsync()
    {
        await LoseAllAsync();
        await Desk.PurgeAsync(null, default);
    }

    private async Task LoseAllAsync()
    {
        while (Requests.All.Count > 0)
        {
            var received = await Requests.ReceiveAsync(10, TimeSpan.Zero, Minute, CancellationToken.None);
            await Requests.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
        }
    }
}
