using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Results;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Results;

public sealed class ResultListenerActorSpecs : WebSpecs
{
    private static readonly QueueSourceSettings Listening = new(
        WaitTime: TimeSpan.FromSeconds(5),
        Lease: TimeSpan.FromSeconds(30),
        MaxLease: TimeSpan.FromMinutes(10),
        MaxInFlight: 100,
        MinBackoff: TimeSpan.FromMilliseconds(200),
        MaxBackoff: TimeSpan.FromSeconds(30));

    private readonly TestProbe _batches;
    private readonly TestProbe _scaler;
    private readonly TestProbe _openBatches;

    public ResultListenerActorSpecs(ITestOutputHelper output)
        : base(output)
    {
        _batches = CreateTestProbe();
        _scaler = CreateTestProbe();
        _openBatches = CreateTestProbe();
    }

    [Fact]
    public async Task A_response_is_deleted_only_after_its_batch_has_added_the_result()
    {
        var result = Put();
        Start(_batches);
        var take = await _batches.ExpectMsgAsync<TakeResults>();
        Assert.Equal(result.Job, Assert.Single(take.Results).Job);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(Responses.Deleted);
        Assert.False(_scaler.HasMessages || _openBatches.HasMessages);
        var acceptedAt = Time.GetUtcNow();

        _batches.LastSender.Tell(new ResultsTaken(acceptedAt));
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 1, "the response is deleted");
        Assert.Equal(Done(result, 1), await _scaler.ExpectMsgAsync<JobsDone>());
        Assert.Equal(acceptedAt, (await _openBatches.ExpectMsgAsync<ResultReceived>()).SubmittedAt);
    }

    [Fact]
    public async Task A_response_of_several_batches_is_deleted_only_after_all_have_added_their_results()
    {
        var first = BatchId.New();
        var second = BatchId.New();
        PutTogether(first, second, first);
        Start(_batches);
        var (toFirst, toSecond) = await ExpectTwoAsync(first);
        Assert.Equal((2, 1), (toFirst.Take.Results.Count, toSecond.Take.Results.Count));
        Assert.Equal(second, toSecond.Take.Batch);

        toFirst.Asker.Tell(new ResultsTaken(Time.GetUtcNow()));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(Responses.Deleted);
        toSecond.Asker.Tell(new ResultsTaken(Time.GetUtcNow()));
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 1, "the response is deleted");
        Assert.Equal(3, (await ReportedAsync(3)).Sum(done => done.Jobs));
    }

    [Fact]
    public async Task A_response_returns_as_a_whole_if_a_batch_could_not_add_its_result()
    {
        var first = BatchId.New();
        var second = BatchId.New();
        PutTogether(first, second);
        Start(_batches);
        var (toFirst, toSecond) = await ExpectTwoAsync(first);
        toFirst.Asker.Tell(new ResultsTaken(SubmittedAt: null));
        toSecond.Asker.Tell(new BatchUnavailable(second));
        await AdvanceAsync(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(1));
        Assert.Single(Responses.InFlight);

        await AdvanceUntilAsync(() => _batches.HasMessages, "it is received again", TimeSpan.FromSeconds(1));
        (toFirst, toSecond) = await ExpectTwoAsync(first);
        toFirst.Asker.Tell(new ResultsTaken(SubmittedAt: null));
        toSecond.Asker.Tell(new ResultsTaken(SubmittedAt: null));
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 1, "the response is deleted");
    }

    [Fact]
    public async Task Results_that_arrive_while_their_batch_answers_go_in_one_call()
    {
        var first = Put();
        Start(_batches);
        await _batches.ExpectMsgAsync<TakeResults>();
        var answered = _batches.LastSender;
        var later = Enumerable.Range(0, 7).Select(_ => Put(first.Batch)).ToList();
        await AdvanceUntilAsync(() => Responses.InFlight.Count == 8, "all are received");
        Assert.False(_batches.HasMessages);

        answered.Tell(new ResultsTaken(Time.GetUtcNow()));
        await AdvanceUntilAsync(() => _batches.HasMessages, "the others follow", ResultSettings.Pace);
        var take = await _batches.ExpectMsgAsync<TakeResults>();
        Assert.Equivalent(
            later.Select(result => result.Job.Value), take.Results.Select(result => result.Job.Value), strict: true);
        _batches.LastSender.Tell(new ResultsTaken(Time.GetUtcNow()));

        await AdvanceUntilAsync(() => Responses.Deleted.Count == 8, "the responses are deleted");
    }

    [Fact]
    public async Task Results_that_follow_quickly_are_reported_together()
    {
        Put();
        Start(_batches);
        await AnswerAsync(acceptedAt: 3);
        await _scaler.ExpectMsgAsync<JobsDone>(done => done.Jobs == 1);
        await _openBatches.ExpectMsgAsync<ResultReceived>(received => received.SubmittedAt == At(3));
        var alike = Put();
        await AnswerAsync(acceptedAt: 2);
        Put();
        await AnswerAsync(acceptedAt: 5);
        Put();
        await AnswerAsync(acceptedAt: 4);
        Put();
        await AnswerAsync(acceptedAt: null);
        Assert.True(await HeardNothingAsync(_scaler));

        await AdvanceAsync(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(10));
        Assert.Equal(Done(alike, 4), await _scaler.ExpectMsgAsync<JobsDone>());
        Assert.Equal(At(5), (await _openBatches.ExpectMsgAsync<ResultReceived>()).SubmittedAt);
        await AdvanceAsync(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10));
        Assert.False(_scaler.HasMessages || _openBatches.HasMessages);

        async Task AnswerAsync(int? acceptedAt)
        {
            await _batches.ExpectMsgAsync<TakeResults>();
            _batches.LastSender.Tell(new ResultsTaken(acceptedAt is { } seconds ? At(seconds) : null));
        }

        static DateTimeOffset At(int seconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }

    [Fact]
    public async Task A_drained_listener_has_reported_all_results()
    {
        Put();
        var listener = Start(_batches);
        await AnswerAsync();
        await _scaler.ExpectMsgAsync<JobsDone>();
        Put();
        await AnswerAsync();
        Assert.True(await HeardNothingAsync(_scaler));
        var from = Time.GetUtcNow();

        listener.Tell(DrainListener.Instance, TestActor);
        await AdvanceUntilAsync(() => HasMessages, "it is drained", TimeSpan.FromMilliseconds(10));
        await ExpectMsgAsync<ListenerDrained>();
        Assert.True(_scaler.HasMessages);
        // Later, the report would have been due anyway.
        Assert.InRange(Time.GetUtcNow() - from, TimeSpan.Zero, TimeSpan.FromMilliseconds(90));

        async Task AnswerAsync()
        {
            await _batches.ExpectMsgAsync<TakeResults>();
            _batches.LastSender.Tell(new ResultsTaken(SubmittedAt: null));
        }
    }

    [Fact]
    public async Task The_scaler_learns_how_each_model_did()
    {
        var batch = BatchId.New();
        var model = new ModelIdentity("new", new string('1', 64), 1000);
        var sure = Jobs.Classified(Jobs.Request(batch)) with { Predictions = [new(0, "cat", 0.75), new(1, "dog", 0.25)] };
        var failed = Jobs.Failed(Jobs.Request(batch));
        JobResult[] results =
        [
            sure, sure with { Job = JobId.New(), Predictions = [new(0, "cat", 0.5)] }, sure with { Model = model },
            failed with { Model = model }, failed,
        ];
        foreach (var result in results) Responses.Put(WireJson.Write(result));
        Start(_batches);
        var counted = 0;
        while (counted < results.Length)
        {
            counted += (await _batches.ExpectMsgAsync<TakeResults>()).Results.Count;
            _batches.LastSender.Tell(new ResultsTaken(Time.GetUtcNow()));
            await AdvanceAsync(ResultSettings.Pace);
        }

        await AdvanceUntilAsync(() => Responses.Deleted.Count == results.Length, "the responses are deleted");
        var done = await ReportedAsync(results.Length);
        Assert.Equal((2, 0, 1.25), Sums(done, sure.Model));
        Assert.Equal((2, 1, 0.75), Sums(done, model));
        Assert.Equal((1, 1, 0), Sums(done, null));
    }

    [Theory]
    [InlineData(JobErrorCodes.Cancelled, 1)]
    [InlineData(JobErrorCodes.Expired, 1)]
    [InlineData(JobErrorCodes.Undecodable, 0)]
    public async Task The_scaler_learns_which_jobs_were_not_begun(string code, int notBegun)
    {
        Responses.Put(WireJson.Write(Jobs.Failed(Jobs.Request(), code)));
        Start(_batches);
        await _batches.ExpectMsgAsync<TakeResults>();
        _batches.LastSender.Tell(new ResultsTaken(Time.GetUtcNow()));
        var done = await _scaler.ExpectMsgAsync<JobsDone>();
        Assert.Equal((1, notBegun), (done.Jobs, done.NotBegun));
    }

    [Fact]
    public async Task A_batch_that_does_not_answer_delays_no_other()
    {
        Put();
        Start(_batches);
        await _batches.ExpectMsgAsync<TakeResults>();
        var other = Put();
        Assert.Equal(other.Batch, (await _batches.ExpectMsgAsync<TakeResults>()).Batch);
    }

    [Fact]
    public async Task A_response_that_its_batch_could_not_add_is_received_again()
    {
        var result = Put();
        Start(_batches);
        await _batches.ExpectMsgAsync<TakeResults>();
        _batches.LastSender.Tell(new BatchUnavailable(result.Batch));
        await AdvanceAsync(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(1));
        Assert.Single(Responses.InFlight);

        await AdvanceUntilAsync(() => _batches.HasMessages, "it is received again", TimeSpan.FromSeconds(1));
        await _batches.ExpectMsgAsync<TakeResults>();
        _batches.LastSender.Tell(new ResultsTaken(SubmittedAt: null));
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 1, "the response is deleted");
    }

    [Theory]
    [InlineData("no document")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("[null]")]
    [InlineData("[{}]")]
    [InlineData("[[]]")]
    [InlineData("[1")]
    [InlineData("""{"status":"classified","predictions":[]}""")]
    public async Task An_unreadable_response_is_handed_back_and_delays_no_other(string body)
    {
        Responses.Put(body);
        var manifest = StoredBatch(1);
        var batches = StartBatches();
        await AskAsync<BatchView>(batches, new GetBatch(manifest.Batch));
        Start(batches);
        await AdvanceUntilAsync(() => Responses.DeadLetters.Count == 1, "the queue gives up on it");
        Assert.Empty(Responses.Deleted);
        // The unreadable response did not reach the batch.
        Assert.Equal(1, Store.CallsOf(StoreCall.List));

        var result = ResultOf(manifest, 0);
        Responses.Put(WireJson.Write(result));
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 1, "the next is taken");
    }

    [Fact]
    public async Task An_incomplete_result_is_handed_back()
    {
        var whole = Jobs.Classified(Jobs.Request());
        Responses.Put(WireJson.Write(whole with { Predictions = [] }));
        Responses.Put(WireJson.Write(whole with { Status = JobStatus.Failed }));
        Responses.Put(WireJson.Write(whole with { Status = JobStatus.Queued }));
        Responses.Put(WireJson.Write<JobResult[]>([whole, whole with { Predictions = [] }, whole]));
        Start(_batches);

        await AdvanceUntilAsync(() => Responses.DeadLetters.Count == 4, "the queue gives up on them");
        Assert.False(_batches.HasMessages);
    }

    [Fact]
    public async Task A_response_with_too_many_results_is_handed_back()
    {
        PutTogether([.. Enumerable.Repeat(BatchId.New(), ResultMessage.MaxResults + 1)]);
        Start(_batches);

        await AdvanceUntilAsync(() => Responses.DeadLetters.Count == 1, "the queue gives up on it");
        Assert.False(_batches.HasMessages);
    }

    [Fact]
    public async Task Three_hundred_results_reach_their_batch_once_each()
    {
        var manifest = StoredBatch(300);
        var batches = StartBatches();
        for (var i = 0; i < 300; i++)
        {
            StoreResult(ResultOf(manifest, i));
            Responses.Put(WireJson.Write(ResultOf(manifest, i)));
        }

        foreach (var ten in Enumerable.Range(0, 300).Chunk(ResultMessage.MaxResults))
            Responses.Put(WireJson.Write(ten.Select(i => ResultOf(manifest, i)).ToArray()));
        Start(batches);
        await AdvanceUntilAsync(() => Responses.Deleted.Count == 330, "all are taken");
        var page = await AskAsync<EventPage>(batches, new ReadEvents(manifest.Batch, null, TimeSpan.Zero));
        Assert.True(page.Finished);
        Assert.Equal(301, page.Events.Count);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task It_finishes_the_responses_in_hand_and_stops()
    {
        Put();
        var listener = Start(_batches);
        await _batches.ExpectMsgAsync<TakeResults>();
        Watch(listener);
        listener.Tell(DrainListener.Instance, TestActor);
        await SettleAsync();
        Assert.False(HasMessages);
        Put();

        _batches.LastSender.Tell(new ResultsTaken(SubmittedAt: null));
        await AdvanceUntilAsync(() => HasMessages, "it is drained");
        await ExpectMsgAsync<ListenerDrained>();
        await ExpectTerminatedAsync(listener);
        Assert.Single(Responses.Deleted);
        Assert.Single(Responses.Visible);
    }

    [Fact]
    public async Task An_unavailable_queue_does_not_stop_the_stream()
    {
        Responses.FailNext(QueueCall.Receive, times: 3);
        Put();
        Start(_batches);
        await AdvanceUntilAsync(() => _batches.HasMessages, "the result arrives");
    }

    private static JobsDone Done(JobResult one, int jobs) =>
        new(one.InstanceId, jobs) { Model = one.Model, ConfidenceSum = jobs };

    private static (int Jobs, int Failed, double Confidence) Sums(IEnumerable<JobsDone> done, ModelIdentity? model)
    {
        var ofModel = done.Where(one => one.Model == model).ToList();
        return (ofModel.Sum(one => one.Jobs), ofModel.Sum(one => one.Failed), ofModel.Sum(one => one.ConfidenceSum));
    }

    /// <summary>Puts one response with a result for each of these batches.</summary>
    private void PutTogether(params BatchId[] batches) =>
        Responses.Put(WireJson.Write(batches.Select(batch => Jobs.Classified(Jobs.Request(batch))).ToArray()));

    /// <summary>The calls to two batches, in any order.</summary>
    private async Task<((TakeResults Take, IActorRef Asker) First, (TakeResults Take, IActorRef Asker) Second)> ExpectTwoAsync(
        BatchId first)
    {
        var one = (Take: await _batches.ExpectMsgAsync<TakeResults>(), Asker: _batches.LastSender);
        var other = (Take: await _batches.ExpectMsgAsync<TakeResults>(), Asker: _batches.LastSender);
        return one.Take.Batch == first ? (one, other) : (other, one);
    }

    private async Task<IReadOnlyList<JobsDone>> ReportedAsync(int jobs)
    {
        await AdvanceAsync(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(10));
        var done = new List<JobsDone>();
        while (done.Sum(one => one.Jobs) < jobs) done.Add(await _scaler.ExpectMsgAsync<JobsDone>());
        return done;
    }

    private JobResult Put(BatchId? batch = null)
    {
        var result = Jobs.Classified(Jobs.Request(batch));
        Responses.Put(WireJson.Write(result));
        return result;
    }

    private IActorRef Start(IActorRef batches) =>
        Sys.ActorOf(Props.Create(() => new ResultListenerActor(
            Responses, batches, _scaler, _openBatches, Listening, Showing)));
}
