using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.DeadLetters;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.DeadLetters;

public sealed class DeadRequestsSpecs : WebSpecs
{
    private const int Receives = 6;

    private readonly FakeMessageQueue _dead;

    public DeadRequestsSpecs(ITestOutputHelper output)
        : base(output) => _dead = new FakeMessageQueue(Time);

    private DeadRequests Desk => new(_dead, Requests, Store);

    [Fact]
    public async Task The_list_shows_letters_with_reasons_and_leaves_them_on_the_queue()
    {
        var (manifest, requests) = DeadBatch(2);
        _dead.Put("no request");

        for (var look = 1; look <= 2; look++)
        {
            var letters = await CompletedAsync(Desk.ListAsync(100, default));
            Assert.Equal(
                [manifest.Jobs[0].Job, manifest.Jobs[1].Job, (JobId?)null], letters.Select(letter => letter.JobId));
            var first = letters[0];
            Assert.Equal(
                (manifest.Batch, 1, Receives + look, manifest.SubmittedAt),
                (first.BatchId, first.Attempt, first.ReceiveCount, first.SubmittedAt));
            Assert.Equal((JobStatus.Failed, JobErrorCodes.TooManyAttempts), (first.Status, first.Error!.Code));
            Assert.Equal((JobStatus.Queued, (JobError?)null), (letters[1].Status, letters[1].Error));
            Assert.Equal("unreadable", letters[2].Error!.Code);
        }

        Assert.Equal(3, _dead.Visible.Count);
        Assert.Equal(2, requests.Count);
    }

    [Fact]
    public async Task A_redrive_removes_the_failed_result_and_sends_the_next_attempt()
    {
        var (manifest, requests) = DeadBatch(1);
        await Store.DeleteAsync(ObjectKeys.OpenMarker(manifest.Batch), default);
        var outcome = Assert.Single(await CompletedAsync(Desk.RedriveAsync([requests[0].Job], default)));

        Assert.Equal(new LetterOutcome(requests[0].Job, manifest.Batch, LetterFate.Redriven, 2, null), outcome);
        var sent = Assert.Single(Requests.All);
        Assert.Equal(requests[0] with { Attempt = 2 }, WireJson.TryRead<ClassificationRequest>(sent.Body));
        Assert.Equal($"{requests[0].Job}:2", sent.DeduplicationId);
        Assert.DoesNotContain(ObjectKeys.Result(manifest.Batch, requests[0].Job), Store.Keys);
        Assert.True(IsOpen(manifest));
        Assert.Equal(
            new JobAttempt(2, 0),
            Store.DocumentAt<JobAttempt>(ObjectKeys.Attempt(manifest.Batch, requests[0].Job)));
        Assert.Empty(_dead.All);
    }

    [Fact]
    public async Task A_redriven_job_keeps_the_model_of_its_batch()
    {
        var manifest = StoredBatch(1) with { Model = TestRegistry.New, Fallback = TestRegistry.Old };
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        var request = manifest.Request(manifest.Jobs[0], 1);
        // The manifest counts, whatever the letter says.
        PutDead(request with { Model = TestRegistry.Try, Fallback = null });
        StoreResult(Jobs.Failed(request, JobErrorCodes.TooManyAttempts));
        await CompletedAsync(Desk.RedriveAsync(null, default));
        Assert.Equal(request with { Attempt = 2 }, Assert.Single(Sent));
    }

    [Theory]
    [InlineData(StopCause.Cancelled, "cancelled")]
    [InlineData(StopCause.Expired, "deadline")]
    public async Task The_letters_of_a_stopped_batch_are_dropped(StopCause cause, string reason)
    {
        var (manifest, _) = DeadBatch(2);
        Store.Set(ObjectKeys.BatchStop(manifest.Batch), WireJson.Write(new BatchStop(manifest.Batch, cause)));
        var outcomes = await CompletedAsync(Desk.RedriveAsync(null, default));
        Assert.Equal(2, outcomes.Count);
        Assert.All(outcomes, outcome =>
        {
            Assert.Equal(LetterFate.Dropped, outcome.Fate);
            Assert.Contains(reason, outcome.Reason, StringComparison.Ordinal);
        });
        Assert.Empty(Requests.All);
        Assert.Empty(_dead.All);
    }

    [Fact]
    public async Task Some_jobs_are_redriven_and_the_others_stay()
    {
        var (_, requests) = DeadBatch(25);
        JobId unknown = JobId.New();
        var outcomes = await CompletedAsync(
            Desk.RedriveAsync([requests[3].Job, unknown, requests[21].Job], default));

        Assert.Equal(
            [LetterFate.Redriven, LetterFate.Redriven, LetterFate.NotFound], outcomes.Select(outcome => outcome.Fate));
        Assert.Equal(unknown, outcomes[2].JobId);
        Assert.Equal([requests[3].Job, requests[21].Job], Sent.Select(request => request.Job));
        Assert.Equal(23, _dead.Visible.Count);
    }

    [Fact]
    public async Task All_jobs_are_redriven_once_each()
    {
        var (_, requests) = DeadBatch(230);
        var outcomes = await CompletedAsync(Desk.RedriveAsync(null, default));
        Assert.All(outcomes, outcome => Assert.Equal(LetterFate.Redriven, outcome.Fate));
        Assert.Equal(requests.Select(request => request.Job), Sent.Select(request => request.Job));
        Assert.Empty(_dead.All);
    }

    [Fact]
    public async Task Letters_of_finished_jobs_are_dropped_and_unreadable_or_unsent_ones_kept()
    {
        var (manifest, requests) = DeadBatch(3);
        StoreResult(ResultOf(manifest, 0));
        Requests.EntryOutcome = (_, body) => body.Contains(requests[1].Job.Value, StringComparison.Ordinal)
            ? new QueueOutcome(QueueOutcomeKind.Retriable, "Not now.")
            : null;
        var deleted = Jobs.Request();
        PutDead(deleted);
        _dead.Put("no request");

        var outcomes = await CompletedAsync(Desk.RedriveAsync(null, default));
        Assert.Equal(
            [LetterFate.Dropped, LetterFate.Kept, LetterFate.Redriven, LetterFate.Dropped, LetterFate.Kept],
            outcomes.Select(outcome => outcome.Fate));
        Assert.All(outcomes, outcome => Assert.Equal(outcome.Fate == LetterFate.Redriven, outcome.Reason is null));
        Assert.Equal(2, _dead.Visible.Count);
        Assert.Equal(JobStatus.Classified, StoredResult(requests[0])!.Status);
    }

    [Fact]
    public async Task A_redrive_that_breaks_off_after_any_write_can_be_repeated()
    {
        for (var writes = 0; ; writes++)
        {
            var (manifest, requests) = DeadBatch(1);
            await Store.DeleteAsync(ObjectKeys.OpenMarker(manifest.Batch), default);
            var left = writes;
            Store.Before = (call, _) => call is StoreCall.Put or StoreCall.Delete && --left < 0
                ? Task.FromException(new IOException("The store is away."))
                : Task.CompletedTask;
            var isThrough = await Record.ExceptionAsync(() => CompletedAsync(Desk.RedriveAsync(null, default))) is null;
            Store.Before = null;

            // Wherever the redrive broke off, the job has a result or the batch is open.
            Assert.True(StoredResult(requests[0]) is not null || IsOpen(manifest));
            if (isThrough) break;
            Assert.Equal(LetterFate.Redriven, Assert.Single(await CompletedAsync(Desk.RedriveAsync(null, default))).Fate);
            Assert.Equal(requests[0].Job, Sent[^1].Job);
            Assert.True(Sent[^1].Attempt > 1);
            Assert.Empty(_dead.All);
        }

        Assert.Equal(4, Requests.All.Count);
    }

    [Fact]
    public async Task While_the_queue_is_unavailable_the_letter_stays_and_nothing_is_sent_twice()
    {
        var (_, requests) = DeadBatch(1);
        Requests.FailNext(QueueCall.Send);
        await Assert.ThrowsAsync<QueueUnavailableException>(() => CompletedAsync(Desk.RedriveAsync(null, default)));
        Assert.Single(_dead.Visible);

        Assert.Equal(2, Assert.Single(await CompletedAsync(Desk.RedriveAsync(null, default))).Attempt);
        Assert.Equal(2, Assert.Single(Sent).Attempt);
        Assert.Equal(requests[0].Job, Sent[0].Job);
    }

    [Fact]
    public async Task Kept_letters_are_handled_once_although_their_leases_expire()
    {
        var clock = new HastyClock();
        var dead = new FakeMessageQueue(clock);
        var manifest = StoredBatch(2);
        foreach (var job in manifest.Jobs) dead.Put(WireJson.Write(manifest.Request(job, 1)), job.Job.Value, Receives);
        Requests.EntryOutcome = (_, _) =>
        {
            clock.Ahead += TimeSpan.FromHours(1);
            return new QueueOutcome(QueueOutcomeKind.Retriable, "Not now.");
        };

        var outcomes = await new DeadRequests(dead, Requests, Store).RedriveAsync(null, default);
        Assert.Equal(
            manifest.Jobs.Select(job => ((JobId?)job.Job, LetterFate.Kept)),
            outcomes.Select(outcome => (outcome.JobId, outcome.Fate)));
        Assert.Equal(2, dead.All.Count);
    }

    [Fact]
    public async Task Several_letters_of_a_job_become_one_attempt()
    {
        var (_, requests) = DeadBatch(1);
        PutDead(requests[0] with { Attempt = 2 });
        var outcomes = await CompletedAsync(Desk.RedriveAsync(null, default));

        Assert.Equal(2, outcomes.Count);
        Assert.Empty(_dead.All);
        Assert.Equal(3, Sent[^1].Attempt);
    }

    [Fact]
    public async Task A_purge_removes_letters_and_leaves_their_jobs_unchanged()
    {
        var (_, requests) = DeadBatch(3);
        var one = Assert.Single(await CompletedAsync(Desk.PurgeAsync([requests[1].Job], default)));
        Assert.Equal((requests[1].Job, LetterFate.Purged), (one.JobId, one.Fate));
        Assert.Equal(2, _dead.Visible.Count);

        _dead.Put("no request");
        Assert.Equal(3, (await CompletedAsync(Desk.PurgeAsync(null, default))).Count);
        Assert.Empty(_dead.All);
        Assert.Empty(Requests.All);
        Assert.NotNull(StoredResult(requests[0]));
    }

    [Fact]
    public async Task A_letter_that_could_not_be_removed_is_reported_as_kept()
    {
        DeadBatch(1);
        _dead.EntryOutcome = (call, _) =>
            call == QueueCall.Delete ? new QueueOutcome(QueueOutcomeKind.Retriable, "Not now.") : null;
        Assert.Equal(LetterFate.Kept, Assert.Single(await CompletedAsync(Desk.PurgeAsync(null, default))).Fate);
        _dead.EntryOutcome = null;
        Assert.Equal(LetterFate.Purged, Assert.Single(await CompletedAsync(Desk.PurgeAsync(null, default))).Fate);
        Assert.Empty(_dead.All);
    }

    [Fact]
    public async Task A_subscriber_gets_the_redriven_jobs_result_and_a_further_end()
    {
        var (manifest, requests) = DeadBatch(1);
        var batches = StartBatches();
        var before = await AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, null, TimeSpan.Zero));
        Assert.Equal([JobStatus.Failed, null], before.Events.Select(batchEvent => batchEvent.ReadJob()?.Status));
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");

        await CompletedAsync(Desk.RedriveAsync(null, default));
        Assert.True(IsOpen(manifest));
        var classified = Jobs.Classified(Sent[0], "dog");
        StoreResult(classified);
        await AskAsync<ResultsTaken>(batches, TakeResults.Of(classified));

        var after = await AskAsync<EventPage>(
            batches, new ReadEvents(manifest.Batch, before.Events[^1].Id, TimeSpan.Zero));
        Assert.Equal([JobStatus.Classified, null], after.Events.Select(batchEvent => batchEvent.ReadJob()?.Status));
        Assert.True(after.Finished);
        await UntilAsync(() => !IsOpen(manifest), "it is closed again");
        var view = await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Assert.Equal(JobStatus.Classified, Assert.Single(view.Jobs).Status);
        Assert.Equal(requests[0].Job, view.Jobs[0].JobId);
    }

    [Fact]
    public async Task A_dead_response_is_sent_again_despite_deduplication()
    {
        var manifest = StoredBatch(1);
        var result = ResultOf(manifest, 0);
        await Responses.SendAsync([result.ToMessage()], default);
        _dead.Put(WireJson.Write(result), result.Job.Value);
        _dead.Put("no result");
        var desk = new DeadResponses(_dead, Responses);

        var letters = await CompletedAsync(desk.ListAsync(10, default));
        Assert.Equal((result.Job, JobStatus.Classified), (letters[0].JobId, letters[0].Status));
        Assert.Equal("unreadable", letters[1].Error!.Code);
        var outcomes = await CompletedAsync(desk.RedriveAsync(null, default));
        Assert.Equal([LetterFate.Redriven, LetterFate.Kept], outcomes.Select(outcome => outcome.Fate));
        Assert.Equal(2, Responses.All.Count);
    }

    [Fact]
    public async Task A_dead_response_with_several_results_is_as_many_letters_that_go_together()
    {
        var manifest = StoredBatch(3);
        var results = Enumerable.Range(0, 3).Select(i => ResultOf(manifest, i)).ToArray();
        var jobs = results.Select(result => (JobId?)result.Job).ToArray();
        var message = ResultMessage.Join([.. results.Take(2).Select(result => result.ToMessage())]);
        await Responses.SendAsync([message], default);
        _dead.Put(message.Body, message.GroupId);
        _dead.Put(WireJson.Write(results[2]), results[2].Job.Value);
        var desk = new DeadResponses(_dead, Responses);

        var letters = await CompletedAsync(desk.ListAsync(10, default));
        Assert.Equal(jobs, letters.Select(letter => letter.JobId));
        var redriven = await CompletedAsync(desk.RedriveAsync([results[1].Job], default));
        Assert.Equal(
            [(jobs[0], LetterFate.Redriven), (jobs[1], LetterFate.Redriven)],
            redriven.Select(outcome => (outcome.JobId, outcome.Fate)));
        Assert.Equal([message.Body, message.Body], Responses.All.Select(sent => sent.Body));
        Assert.Equal(WireJson.Write(results[2]), Assert.Single(_dead.All).Body);

        _dead.Put(message.Body, message.GroupId);
        var purged = await CompletedAsync(desk.PurgeAsync([results[0].Job], default));
        Assert.Equal(
            [(jobs[0], LetterFate.Purged), (jobs[1], LetterFate.Purged)],
            purged.Select(outcome => (outcome.JobId, outcome.Fate)));
        Assert.Single(_dead.All);
    }

    private IReadOnlyList<ClassificationRequest> Sent =>
        [.. Requests.All.Select(message => WireJson.TryRead<ClassificationRequest>(message.Body)!)];

    private JobResult? StoredResult(ClassificationRequest request) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(request.Batch, request.Job));

    /// <summary>A batch whose jobs all have letters. The first job has failed; the others have no result.</summary>
    private (BatchManifest Manifest, IReadOnlyList<ClassificationRequest> Requests) DeadBatch(int pictures)
    {
        var manifest = StoredBatch(pictures);
        Store.Set(ObjectKeys.SentNote(manifest.Batch), "");
        var requests = manifest.Jobs.Select(job => manifest.Request(job, 1)).ToArray();
        foreach (var request in requests) PutDead(request);
        StoreResult(Jobs.Failed(requests[0], JobErrorCodes.TooManyAttempts));
        return (manifest, requests);
    }

    /// <summary>A clock that can jump ahead while its timers stay right.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    private void PutDead(ClassificationRequest request) => _dead.Put(WireJson.Write(request), request.Job.Value, Receives);
}
