using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class PollerActorSpecs : NodeSpecs
{
    private readonly NodeProgress _progress;
    private bool _isDrained;

    public PollerActorSpecs(ITestOutputHelper output)
        : base(output) =>
        _progress = new NodeProgress(Time);

    [Fact]
    public async Task A_picture_is_classified_stored_published_and_only_then_deleted()
    {
        var request = Upload("cat");
        var deletedFirst = false;
        Responses.Before = call => Note(call == QueueCall.Send && IsDeleted(request), ref deletedFirst);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        var result = StoredResultOf(request)!;
        Assert.Equal(JobStatus.Classified, result.Status);
        Assert.Equal("cat", result.Predictions[0].Label);
        Assert.Equal(Classifier.Model, result.Model);
        Assert.Equal(Identity.Id, result.InstanceId);
        Assert.True(result.Timings is { TotalMs: >= 0 });
        Assert.Equal(WireJson.Write(result), WireJson.Write(PublishedResultOf(request)!));
        var message = Assert.Single(Responses.Visible);
        Assert.Equal(request.Job.Value, message.GroupId);
        Assert.Equal(ClassificationRequest.DeduplicationId(request.Job, 1), message.DeduplicationId);
        Assert.False(deletedFirst);
        Assert.Equal(0, Classifier.Undisposed);
    }

    [Fact]
    public async Task Many_pictures_share_runs_up_to_the_preferred_batch_size_and_all_get_results()
    {
        var requests = Enumerable.Range(0, 100).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");

        Assert.All(Classifier.Batches, batch => Assert.InRange(batch.Count, 1, Classifier.PreferredBatchSize));
        Assert.Equal(100, Published.Select(result => result.Job).Distinct().Count());
        Assert.Equal(100, Published.Count);
        Assert.Equal(0, Classifier.Undisposed);
        await UntilAsync(() => _progress.Read().PicturesDone == 100, "all were counted");
    }

    [Fact]
    public async Task A_refused_picture_fails_with_the_reason_and_affects_no_other()
    {
        var refused = Upload(FakeImageClassifier.Refused);
        var fine = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(refused) && IsDeleted(fine), "both were deleted");

        var result = StoredResultOf(refused)!;
        Assert.Equal(JobStatus.Failed, result.Status);
        Assert.Equal(JobErrorCodes.Undecodable, result.Error!.Code);
        Assert.NotNull(PublishedResultOf(refused));
        Assert.Equal(JobStatus.Classified, StoredResultOf(fine)!.Status);
    }

    public static TheoryData<string> AllDamages => Damages.Names;

    [Theory]
    [MemberData(nameof(AllDamages))]
    public async Task A_damaged_stored_result_is_replaced_by_a_good_one(string damage)
    {
        var seen = Upload("cat", receivedBefore: 1);
        var unseen = Upload("dog");
        foreach (var request in (ClassificationRequest[])[seen, unseen])
        {
            Store.Set(
                ObjectKeys.Result(request.Batch, request.Job),
                Damages.Of(damage, WireJson.Write(Jobs.Classified(request, "bird"))));
        }

        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(seen) && IsDeleted(unseen), "both were deleted");
        Assert.Equal("cat", StoredResultOf(seen)!.Predictions[0].Label);
        Assert.Equal("dog", StoredResultOf(unseen)!.Predictions[0].Label);
        Assert.Equal("dog", PublishedResultOf(unseen)!.Predictions[0].Label);
    }

    [Fact]
    public async Task A_missing_picture_fails_as_missing()
    {
        var request = Upload("cat");
        await Store.DeleteAsync(request.ImageKey!, CancellationToken.None);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(JobErrorCodes.Missing, PublishedResultOf(request)!.Error!.Code);
    }

    [Theory]
    [InlineData("no JSON at all")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task An_invalid_message_goes_to_the_dead_letter_queue_and_stops_nothing(string body)
    {
        Requests.Put(body);
        var fine = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(fine), "the other was deleted");
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");

        Assert.Equal(body, Requests.DeadLetters[0].Body);
        Assert.Single(Published);
    }

    [Fact]
    public async Task A_stored_result_is_published_again_without_classifying()
    {
        var request = Upload("cat", receivedBefore: 1);
        var stored = Jobs.Classified(request, "dog");
        Store.Set(ObjectKeys.Result(request.Batch, request.Job), WireJson.Write(stored));
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal("dog", PublishedResultOf(request)!.Predictions[0].Label);
        Assert.Empty(Classifier.DecodedWords);
    }

    [Fact]
    public async Task A_result_that_another_node_stored_first_is_published()
    {
        var request = Upload("cat");
        var key = ObjectKeys.Result(request.Batch, request.Job);
        Store.Set(key, WireJson.Write(Jobs.Classified(request, "dog")));
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal("dog", PublishedResultOf(request)!.Predictions[0].Label);
        Assert.Equal("dog", StoredResultOf(request)!.Predictions[0].Label);
        Assert.Equal(["cat"], Classifier.DecodedWords);
    }

    [Fact]
    public async Task A_later_attempt_ignores_the_failure_of_an_earlier_attempt()
    {
        var first = Upload("cat");
        await Requests.DeleteAsync(
            [.. (await Requests.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromSeconds(1), default))
                .Select(message => message.Receipt)], default);
        // A late duplicate of the first attempt stored the failure again.
        Store.Set(ObjectKeys.Result(first.Batch, first.Job), WireJson.Write(Jobs.Failed(first)));
        var second = first with { Attempt = 2 };
        await Requests.SendAsync([second.ToMessage()], default);
        StartPoller();
        await AdvanceUntilAsync(() => PublishedResultOf(first) is not null, "it was published");

        foreach (var result in (JobResult[])[PublishedResultOf(first)!, StoredResultOf(first)!])
            Assert.Equal((JobStatus.Classified, 2), (result.Status, result.Attempt));
    }

    [Fact]
    public async Task A_later_attempt_of_a_classified_job_is_not_classified_again()
    {
        var request = Jobs.Request(attempt: 2);
        Store.Set(request.ImageKey!, "cat");
        Store.Set(
            ObjectKeys.Result(request.Batch, request.Job),
            WireJson.Write(Jobs.Classified(request with { Attempt = 1 }, "dog")));
        await Requests.SendAsync([request.ToMessage()], default);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal("dog", PublishedResultOf(request)!.Predictions[0].Label);
        Assert.Empty(Classifier.DecodedWords);
    }

    [Fact]
    public async Task A_picture_that_always_fails_ends_as_failed_and_its_message_as_dead_letter()
    {
        var poison = Upload(FakeImageClassifier.CrashesDecoder);
        var fine = Enumerable.Range(0, 5).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");
        await AdvanceUntilAsync(() => fine.All(IsDeleted), "the others were deleted");

        // The first try runs within the node, later tries in a process of their own.
        Assert.Single(Classifier.DecodedWords, FakeImageClassifier.CrashesDecoder);
        Assert.Equal(MaxReceives, Isolated.Tried.Count(word => word == FakeImageClassifier.CrashesDecoder));
        Assert.Equal(JobErrorCodes.TooManyAttempts, StoredResultOf(poison)!.Error!.Code);
        Assert.Equal(JobErrorCodes.TooManyAttempts, PublishedResultOf(poison)!.Error!.Code);
        Assert.Equal(poison.Job.Value, Requests.DeadLetters[0].GroupId);
        Assert.All(fine, request => Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status));
    }

    [Fact]
    public async Task A_picture_that_fails_a_run_does_not_affect_the_others()
    {
        var poison = Upload(FakeImageClassifier.CrashesModel);
        var fine = Enumerable.Range(0, 8).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => fine.All(IsDeleted), "the others were deleted");
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");

        Assert.Equal(JobErrorCodes.TooManyAttempts, PublishedResultOf(poison)!.Error!.Code);
        Assert.All(fine, request => Assert.Equal(JobStatus.Classified, PublishedResultOf(request)!.Status));
        Assert.Equal(0, Classifier.Undisposed);
    }

    [Fact]
    public async Task A_short_lack_of_memory_uses_up_no_receive()
    {
        var failures = 3;
        Classifier.WhileDecoding = _ =>
        {
            if (Interlocked.Decrement(ref failures) >= 0) throw new InsufficientMemoryException("There is none.");
        };
        var request = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "it was classified");

        Assert.Equal(1, Assert.Single(Requests.Deleted).ReceiveCount);
    }

    [Fact]
    public async Task A_job_that_was_received_before_is_tried_in_its_own_process()
    {
        var request = Upload("cat", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(["cat"], Isolated.Tried);
        Assert.Empty(Classifier.DecodedWords);
        var result = PublishedResultOf(request)!;
        Assert.Equal((JobStatus.Classified, "cat"), (result.Status, result.Predictions[0].Label));
        Assert.Equal(Classifier.Model, result.Model);
        Assert.True(result.Timings is { TotalMs: >= 0 });
    }

    [Fact]
    public async Task A_job_that_was_sent_again_is_tried_in_its_own_process()
    {
        var request = Jobs.Request(attempt: 2);
        Store.Set(request.ImageKey!, "cat");
        await Requests.SendAsync([request.ToMessage()], default);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(["cat"], Isolated.Tried);
        Assert.Empty(Classifier.DecodedWords);
    }

    [Fact]
    public async Task A_picture_that_crashes_its_process_fails_as_killed_decoder()
    {
        Dies("killer", ProcessDeath.Crashed);
        var killer = Upload("killer", receivedBefore: 1);
        var neighbour = Upload("cat", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(killer) && IsDeleted(neighbour), "both were deleted");

        Assert.Equal(JobErrorCodes.KilledDecoder, PublishedResultOf(killer)!.Error!.Code);
        Assert.Equal(JobErrorCodes.KilledDecoder, StoredResultOf(killer)!.Error!.Code);
        Assert.Equal(JobStatus.Classified, PublishedResultOf(neighbour)!.Status);
        Assert.Single(Isolated.Tried, "killer");
        Assert.Empty(Requests.DeadLetters);
    }

    [Theory]
    [InlineData(ProcessDeath.Killed, false)]
    [InlineData(ProcessDeath.TimedOut, false)]
    [InlineData(ProcessDeath.Crashed, true)]
    public async Task An_unclear_process_death_does_not_fail_the_picture(ProcessDeath how, bool hadOthers)
    {
        var tries = 0;
        Isolated.Outcome = _ => Task.FromResult(
            Interlocked.Increment(ref tries) == 1 ? FakeIsolatedClassifier.Died(how, hadOthers) : null);
        var request = Upload("cat", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(JobStatus.Classified, PublishedResultOf(request)!.Status);
        Assert.Equal(["cat", "cat"], Isolated.Tried);
    }

    [Fact]
    public async Task A_picture_that_times_out_twice_fails()
    {
        Dies("killer", ProcessDeath.TimedOut);
        var killer = Upload("killer", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(killer), "the message was deleted");

        Assert.Equal(JobErrorCodes.TooCostly, PublishedResultOf(killer)!.Error!.Code);
        Assert.Equal(["killer", "killer"], Isolated.Tried);
    }

    [Fact]
    public async Task A_job_is_tried_after_any_number_of_node_deaths()
    {
        var innocent = Upload("cat", receivedBefore: 2 * MaxReceives);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(innocent), "the message was deleted");

        Assert.Equal(JobStatus.Classified, PublishedResultOf(innocent)!.Status);
    }

    [Fact]
    public async Task A_picture_whose_process_is_killed_is_handed_back_until_its_receives_are_used_up()
    {
        Dies("cat", ProcessDeath.Killed);
        var request = Upload("cat", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");

        Assert.Equal(JobErrorCodes.TooManyAttempts, PublishedResultOf(request)!.Error!.Code);
    }

    [Fact]
    public async Task A_job_without_a_process_is_handed_back_until_its_receives_are_used_up()
    {
        Isolated.Outcome = _ => Task.FromResult<IsolatedOutcome?>(new IsolatedOutcome.Failed("There is no process."));
        var request = Upload("cat", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");

        Assert.Equal(MaxReceives, Isolated.Tried.Count);
        Assert.Equal(JobErrorCodes.TooManyAttempts, PublishedResultOf(request)!.Error!.Code);
    }

    [Fact]
    public async Task Slow_suspects_do_not_delay_fresh_pictures()
    {
        var held = HoldSuspects();
        var suspects = Enumerable.Range(0, 9).Select(i => Upload($"suspect-{i}", receivedBefore: 1)).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => Isolated.Tried.Count == 1, "the first suspect is tried");
        await AdvanceAsync(TimeSpan.FromSeconds(5));
        var fresh = Enumerable.Range(0, 11).Select(i => Upload($"fresh-{i}")).ToArray();
        await AdvanceUntilAsync(() => fresh.All(IsDeleted), "the others were deleted");
        Assert.Single(Isolated.Tried);

        held.SetResult();
        await AdvanceUntilAsync(() => suspects.All(IsDeleted), "the suspects were deleted");
        Assert.Equal(9, Isolated.Tried.Count);
    }

    [Fact]
    public async Task A_fresh_picture_beside_suspects_is_tried_in_its_own_process()
    {
        var held = HoldSuspects();
        Upload("suspect", receivedBefore: 1);
        var fresh = Upload("fresh");
        StartPoller();
        await AdvanceUntilAsync(() => Isolated.Tried.Count == 1, "the suspect is tried");
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        held.SetResult();
        await AdvanceUntilAsync(() => IsDeleted(fresh), "the other was deleted");

        Assert.Equal(["suspect", "fresh"], Isolated.Tried);
        Assert.Empty(Classifier.DecodedWords);
        var later = Upload("later");
        await AdvanceUntilAsync(() => IsDeleted(later), "a later one was deleted");
        Assert.Equal(["later"], Classifier.DecodedWords);
    }

    [Fact]
    public async Task The_suspect_with_the_most_receives_is_tried_first()
    {
        var held = HoldSuspects();
        Upload("first", receivedBefore: 1);
        StartPoller();
        await AdvanceUntilAsync(() => Isolated.Tried.Count == 1, "the first is tried");
        Upload("early", receivedBefore: 1);
        Upload("last-chance", receivedBefore: MaxReceives);
        await AdvanceUntilAsync(() => Requests.InFlight.Count == 3, "all are in hand");
        await AdvanceAsync(TimeSpan.FromSeconds(1));

        held.SetResult();
        await AdvanceUntilAsync(() => Requests.Deleted.Count == 3, "all were deleted");
        Assert.Equal(["first", "last-chance", "early"], Isolated.Tried);
    }

    [Fact]
    public async Task A_drain_hands_back_waiting_suspects()
    {
        var held = HoldSuspects();
        var requests = Enumerable.Range(0, 5).Select(i => Upload($"suspect-{i}", receivedBefore: 1)).ToArray();
        var poller = StartPoller();
        await AdvanceUntilAsync(() => Isolated.Tried.Count == 1, "the first is tried");
        await AdvanceAsync(TimeSpan.FromSeconds(1));

        Watch(poller);
        poller.Tell(DrainPoller.Instance);
        await UntilAsync(() => Requests.PollsWaiting == 0, "it drains");
        held.SetResult();
        await AdvanceUntilAsync(() => poller.Equals(Stopped), "the poller stopped");
        Assert.Single(Isolated.Tried);
        Assert.Single(Requests.Deleted);
        Assert.Equal(requests.Length - 1, Requests.Visible.Count);
    }

    [Fact]
    public async Task A_resumed_process_leaves_its_picture_to_other_nodes()
    {
        using var fetched = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Store.Before = (call, _) =>
        {
            if (call != StoreCall.Get || fetched.IsSet) return Task.CompletedTask;
            fetched.Set();
            return held.Task;
        };
        var request = Upload("cat");
        StartPoller();
        await UntilAsync(() => fetched.IsSet, "the picture is being fetched");

        // One step for the whole pause: nothing ran meanwhile, not even a renewal.
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        held.SetResult();
        await AdvanceUntilAsync(() => IsDeleted(request), "it is done");
        Assert.Empty(Classifier.DecodedWords);
        Assert.Equal(["cat"], Isolated.Tried);
    }

    [Fact]
    public async Task A_pause_longer_than_the_time_out_does_not_fail_a_run()
    {
        using var release = new ManualResetEventSlim();
        Classifier.WhileClassifying = _ => release.Wait(TimeSpan.FromSeconds(20));
        var request = Upload("cat");
        StartPoller();
        await UntilAsync(() => Classifier.Batches.Count == 1, "the run began");

        var pause = Settings.Classification.Timeout * 1.5;
        await AdvanceAsync(pause, pause);
        release.Set();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal(1, Assert.Single(Requests.Deleted).ReceiveCount);
        Assert.Single(Classifier.Batches);
    }

    [Fact]
    public async Task A_short_outage_of_the_store_uses_up_no_receive()
    {
        Store.FailNext(StoreCall.Get, 3);
        Store.FailNext(StoreCall.PutIfAbsent, 3);
        var request = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(1, Requests.Deleted[0].ReceiveCount);
        Assert.Equal(JobStatus.Classified, PublishedResultOf(request)!.Status);
    }

    [Fact]
    public async Task A_lasting_outage_of_the_store_hands_the_job_back_and_fails_nothing()
    {
        var isAway = true;
        Store.Before = (_, _) => Volatile.Read(ref isAway)
            ? Task.FromException(new IOException("The store is away."))
            : Task.CompletedTask;
        var request = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(
            () => Requests.All.Any(message => message.ReceiveCount == 2), "it was handed back and taken again",
            TimeSpan.FromSeconds(1));

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal(JobStatus.Classified, PublishedResultOf(request)!.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_outage_of_a_quarter_of_an_hour_fails_no_picture(bool forWritingOnly)
    {
        var isAway = true;
        Store.Before = (call, _) => Volatile.Read(ref isAway)
            && (!forWritingOnly || call is StoreCall.Put or StoreCall.PutIfAbsent)
                ? Task.FromException(new IOException("The store is away."))
                : Task.CompletedTask;
        var requests = Enumerable.Range(0, 50).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await AdvanceAsync(TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(5));
        Assert.Empty(Requests.DeadLetters);
        Assert.All(Requests.All, message => Assert.InRange(message.ReceiveCount, 0, MaxReceives - 1));

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all are done", TimeSpan.FromSeconds(1));
        Assert.All(requests, request => Assert.Equal(JobStatus.Classified, PublishedResultOf(request)!.Status));
    }

    [Fact]
    public async Task An_unsent_result_is_sent_later_without_classifying_again()
    {
        var isAway = true;
        Responses.CallFailure = _ => Volatile.Read(ref isAway) ? new QueueUnavailableException("It is away.") : null;
        var request = Upload("cat");
        StartPoller();
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1));
        Assert.Equal(1, Assert.Single(Requests.All).ReceiveCount);
        await AdvanceUntilAsync(
            () => Requests.All.Any(message => message.ReceiveCount == 2), "it was handed back and taken again",
            TimeSpan.FromSeconds(1));
        Assert.Empty(Requests.Deleted);

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.NotNull(PublishedResultOf(request));
        Assert.Equal(["cat"], Classifier.DecodedWords);
    }

    [Fact]
    public async Task A_run_without_a_reply_hands_its_jobs_back()
    {
        using var release = new ManualResetEventSlim();
        var runs = 0;
        Classifier.WhileClassifying = _ =>
        {
            if (Interlocked.Increment(ref runs) == 1) release.Wait(TimeSpan.FromSeconds(20));
        };
        Settings = Settings with
        {
            Classification = Settings.Classification with { Timeout = TimeSpan.FromMilliseconds(200) },
        };
        var request = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(
            () => Requests.All.Any(message => message.ReceiveCount == 2), "it was handed back and taken again");

        release.Set();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        await UntilAsync(() => Classifier.Undisposed == 0, "all pictures were disposed of");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(25)]
    [InlineData(60)]
    public async Task After_a_drain_under_load_every_job_is_done_or_in_the_queue(int drainAfter)
    {
        var requests = Enumerable.Range(0, 80)
            .Select(i => Upload(i % 10 == 5 ? FakeImageClassifier.Refused : $"word-{i}"))
            .ToArray();
        var poller = StartPoller();
        await AdvanceUntilAsync(() => Classifier.DecodedWords.Count >= drainAfter, "it is under load");

        Watch(poller);
        poller.Tell(DrainPoller.Instance);
        await AdvanceUntilAsync(() => Requests.InFlight.Count == 0, "nothing is in hand");
        await AdvanceUntilAsync(() => poller.Equals(Stopped), "the poller stopped");

        Assert.True(_isDrained);
        Assert.All(requests, request =>
        {
            if (!IsDeleted(request))
            {
                Assert.Contains(Requests.Visible, message => message.GroupId == request.Job.Value);
                return;
            }

            Assert.NotNull(StoredResultOf(request));
            Assert.NotNull(PublishedResultOf(request));
        });
        Assert.Equal(0, Classifier.Undisposed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_job_ends_with_one_stored_and_published_result_despite_failures(int seed)
    {
        var random = new Random(seed);
        var chance = new Lock();
        Requests.CallFailure = Responses.CallFailure = _ =>
            Chance(0.1) ? new QueueUnavailableException("A random failure.") : null;
        Requests.EntryOutcome = Responses.EntryOutcome = (_, _) =>
            Chance(0.1) ? new QueueOutcome(QueueOutcomeKind.Retriable, "busy") : null;
        Store.Before = (_, _) => Chance(0.1)
            ? Task.FromException(new IOException("A random failure."))
            : Task.CompletedTask;
        Classifier.WhileDecoding = _ => FailAtTimes("The decoder");
        Classifier.WhileClassifying = _ => FailAtTimes("The model");
        var requests = Enumerable.Range(0, 60).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();

        await AdvanceUntilAsync(
            () => requests.All(request => PublishedResultOf(request) is not null),
            "every job's result was published",
            TimeSpan.FromMilliseconds(250));
        await AdvanceUntilAsync(
            () => Requests.All.Count == 0, "the request queue was left empty", TimeSpan.FromMilliseconds(250));
        Assert.All(requests, request => Assert.Equal(
            WireJson.Write(StoredResultOf(request)!), WireJson.Write(PublishedResultOf(request)!)));
        Assert.Equal(60, Requests.Deleted.Count + Requests.DeadLetters.Count);
        Assert.Equal(0, Classifier.Undisposed);

        void FailAtTimes(string what)
        {
            if (Chance(0.1)) throw new InvalidOperationException($"{what} fails at random.");
        }

        bool Chance(double probability)
        {
            lock (chance) return random.NextDouble() < probability;
        }
    }

    [Fact]
    public async Task A_stream_that_ends_without_a_drain_stops_the_poller()
    {
        var ports = Ports with { Queues = new QueuePair(new QueueWithoutOutcomes(Requests), Responses) };
        Upload("cat");
        var poller = StartPoller(ports);
        Watch(poller);

        await AdvanceUntilAsync(() => poller.Equals(Stopped), "the poller stopped");
        Assert.False(_isDrained);
    }

    /// <summary>The actor that stopped, while the test reads what the poller sends to its owner.</summary>
    private IActorRef? Stopped
    {
        get
        {
            while (HasMessages)
            {
                switch (ReceiveOne(TimeSpan.Zero))
                {
                    case PollerDrained:
                        _isDrained = true;
                        break;
                    case Terminated terminated:
                        return terminated.ActorRef;
                }
            }

            return null;
        }
    }

    /// <summary>Blocks every try of a suspect until the task completes.</summary>
    private TaskCompletionSource HoldSuspects()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Isolated.Outcome = async _ =>
        {
            await held.Task;
            return null;
        };
        return held;
    }

    private void Dies(string picture, ProcessDeath how) => Isolated.Outcome = word =>
        Task.FromResult(word == picture ? FakeIsolatedClassifier.Died(how) : null);

    private static Task Note(bool condition, ref bool flag)
    {
        if (condition) flag = true;
        return Task.CompletedTask;
    }

    private IActorRef StartPoller(NodePorts? ports = null)
    {
        var classifier = Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher));
        return Sys.ActorOf(PollerActor.Props(
            Settings, ports ?? Ports, classifier, TestActor, _progress, Time));
    }
}
