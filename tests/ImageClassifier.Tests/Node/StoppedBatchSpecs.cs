using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Node;

/// <summary>Jobs of batches that were cancelled, or whose deadline has passed.</summary>
public sealed class StoppedBatchSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly List<string> _reads = [];

    [Fact]
    public async Task After_a_cancel_nodes_do_nothing_but_drain()
    {
        var manifest = await UploadBatchAsync(200);
        var liveJobs = Sys.ActorOf(Props.Create(() => new LiveJobsActor(1000)));
        var batch = Sys.ActorOf(Props.Create(() => new BatchActor(
            manifest.Batch, Store, liveJobs, ActorRefs.Nobody, ActorRefs.Nobody, "passivate", Showing)));
        var asker = CreateTestProbe();
        batch.Tell(new CancelWaiting(manifest.Batch), asker);
        Assert.Equal(200, (await asker.ExpectMsgAsync<WaitingCancelled>()).Jobs);
        await UntilAsync(
            () => !Store.Keys.Any(key => key.StartsWith(ObjectKeys.OpenBatches, StringComparison.Ordinal)),
            "the batch is complete, although no node has come");

        await AdvanceAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));
        NoteReads();
        StartPoller();
        StartPoller();
        await AdvanceUntilAsync(() => Requests.All.Count == 0, "the queue is empty");

        AssertNothingWasDone();
        Assert.Equal(200, Published.Select(result => result.Job).Distinct().Count());
        Assert.All(Published, result => Assert.Equal(JobErrorCodes.Cancelled, result.Error!.Code));
        Assert.All(manifest.Jobs, job => Assert.Equal("web", ResultOf(manifest, job).InstanceId.Value));
    }

    [Fact]
    public async Task A_cancel_is_seen_while_the_batch_is_worked_on()
    {
        var batch = BatchId.New();
        var requests = Enumerable.Range(0, 60).Select(i => Upload($"word-{i}", ofBatch: batch)).ToArray();
        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));
        // The cancel comes with the first run.
        Classifier.WhileClassifying = _ => Stop(batch, StopCause.Cancelled);
        StartPoller();
        await AdvanceUntilAsync(() => Classifier.Batches.Count > 0, "a run has begun");
        await AdvanceAsync(StoppedBatches.LookInterval);
        var late = Enumerable.Range(0, 60).Select(i => Upload($"late-{i}", receivedBefore: 1, ofBatch: batch)).ToArray();
        await AdvanceUntilAsync(() => requests.Concat(late).All(IsDeleted), "all were deleted");

        Assert.Empty(Isolated.Tried);
        Assert.All(late, request => Assert.Equal(JobErrorCodes.Cancelled, StoredResultOf(request)!.Error!.Code));
        Assert.Contains(requests, request => StoredResultOf(request)!.Status == JobStatus.Classified);
    }

    [Fact]
    public async Task A_message_that_was_received_before_is_not_tried()
    {
        var request = Upload("cat", receivedBefore: 2);
        Stop(request.Batch, StopCause.Cancelled);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        AssertNothingWasDone();
        Assert.Equal(JobErrorCodes.Cancelled, PublishedResultOf(request)!.Error!.Code);
    }

    [Fact]
    public async Task A_stored_result_is_published_although_the_batch_was_cancelled()
    {
        var request = Upload("cat", receivedBefore: 1);
        var fresh = Upload("dog", ofBatch: request.Batch);
        foreach (var done in new[] { request, fresh })
            Store.Set(ObjectKeys.Result(done.Batch, done.Job), WireJson.Write(Jobs.Classified(done, "bird")));
        Stop(request.Batch, StopCause.Cancelled);
        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request) && IsDeleted(fresh), "both were deleted");
        AssertNothingWasDone();
        Assert.All(Published, result => Assert.Equal("bird", result.Predictions[0].Label));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_job_whose_deadline_has_passed_expires(int receivedBefore)
    {
        var request = Send("cat", Time.GetUtcNow() - TimeSpan.FromSeconds(1), receivedBefore);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        AssertNothingWasDone();
        var result = PublishedResultOf(request)!;
        Assert.Equal((JobStatus.Failed, JobErrorCodes.Expired), (result.Status, result.Error!.Code));
        Assert.Equal(WireJson.Write(result), WireJson.Write(StoredResultOf(request)!));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(-1, true)]
    public async Task The_clock_of_the_queue_counts_and_not_that_of_the_node(int nodeAheadHours, bool isExpired)
    {
        // The deadline has passed by one of the two clocks.
        var queueTime = new Shifted(Time, -nodeAheadHours * Hour);
        var requests = new FakeMessageQueue(queueTime);
        var deadline = Time.GetUtcNow() - nodeAheadHours * Hour / 2;
        var request = Jobs.Request() with { Deadline = deadline };
        Store.Set(request.ImageKey!, "cat");
        requests.Put(WireJson.Write(request), request.Job.Value);
        StartPoller(Ports with { Queues = new QueuePair(requests, Responses) });
        await AdvanceUntilAsync(() => requests.Deleted.Count == 1, "the message was deleted");
        Assert.Equal(isExpired ? JobErrorCodes.Expired : null, StoredResultOf(request)!.Error?.Code);
    }

    [Fact]
    public async Task Work_that_began_before_the_deadline_counts()
    {
        var request = Send("cat", Time.GetUtcNow() + TimeSpan.FromSeconds(1));
        using var isPast = new ManualResetEventSlim();
        Classifier.WhileDecoding = _ => isPast.Wait(RealLimit);
        StartPoller();
        await UntilAsync(() => Classifier.DecodedWords.Count == 1, "decoding has begun");
        await AdvanceAsync(TimeSpan.FromSeconds(3));
        isPast.Set();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status);
    }

    [Fact]
    public async Task Messages_that_waited_briefly_cost_no_look()
    {
        NoteReads();
        var requests = Enumerable.Range(0, 40).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");
        Assert.Empty(Looks);
    }

    [Fact]
    public async Task Time_in_the_node_counts_like_time_in_the_queue()
    {
        var request = Jobs.Request();
        Stop(request.Batch, StopCause.Cancelled);
        var now = Time.GetUtcNow();
        var message = new ReceivedMessage("", "", new Receipt(""), 1) { SentAt = now, ReceivedAt = now };
        var delivery = new Delivery(message, Time.GetMonotonic());
        var stopped = new StoppedBatches(Store, new OutageRetries(OutageRetries.Brief, Time), Time);
        Assert.Null(await stopped.FindAsync(request, delivery));
        await AdvanceAsync(StoppedBatches.LookInterval);
        Assert.Equal(JobErrorCodes.Cancelled, (await stopped.FindAsync(request, delivery))?.Code);
    }

    [Fact]
    public async Task A_backlog_costs_one_look_at_a_batch_in_each_interval()
    {
        var batch = BatchId.New();
        var requests = Enumerable.Range(0, 200).Select(i => Upload($"word-{i}", ofBatch: batch)).ToArray();
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(10));
        NoteReads();
        var first = IntervalNow();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");
        Assert.InRange(Looks.Count, 1, (int)(IntervalNow() - first) + 1);

        // Time begins anywhere in an interval, so even a short run may reach into the next.
        long IntervalNow() => Time.GetMonotonic().Ticks / StoppedBatches.LookInterval.Ticks;
    }

    [Fact]
    public async Task A_store_that_refuses_the_look_stops_no_work()
    {
        Store.Before = (call, key) => call == StoreCall.Get && key.EndsWith("stopped.json", StringComparison.Ordinal)
            ? Task.FromException(new StoreRefusedException("Access denied."))
            : Task.CompletedTask;
        var request = Upload("cat");
        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status);
    }

    private static ResultSettings Showing { get; } = new(
        MaxLiveJobs: 1000, PassivateAfter: TimeSpan.FromMinutes(2), MaxWaitingRequests: 10,
        WaitLimit: TimeSpan.FromSeconds(50), MaxReads: 10, MaxSubscribers: 10, Heartbeat: TimeSpan.FromSeconds(15),
        SendTimeout: TimeSpan.FromSeconds(20), ListenerLinger: TimeSpan.FromMilliseconds(50));

    private List<string> Looks
    {
        get
        {
            lock (_reads) return [.. _reads.Where(key => key.EndsWith("stopped.json", StringComparison.Ordinal))];
        }
    }

    /// <summary>Uploads a batch and sends its messages with the real outbox.</summary>
    private async Task<BatchManifest> UploadBatchAsync(int pictures)
    {
        var batch = BatchId.New();
        var jobs = Enumerable.Range(0, pictures).Select(i =>
        {
            var request = Jobs.Request(batch);
            Store.Set(request.ImageKey!, $"word-{i}");
            return ManifestJob.Accept(request.Job, $"{i}.jpg", request.ImageKey!);
        });
        var manifest = new BatchManifest(batch, Time.GetUtcNow(), [.. jobs]);
        Store.Set(ObjectKeys.OpenMarker(batch), "");
        Store.Set(ObjectKeys.Manifest(batch), WireJson.Write(manifest));
        var settings = new OutboxSettings(
            Parallelism: 2, MaxInMemory: 1000, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));
        var noRepeats = new RepeatAnswers(
            Store, ActorRefs.Nobody, RepeatSharing.Off, new KnownModels(null, null), Time);
        Sys.ActorOf(Props.Create(() => new OutboxActor(Requests, Store, noRepeats, ActorRefs.Nobody, settings)));
        await AdvanceUntilAsync(() => Requests.All.Count == pictures, "all are sent");
        return manifest;
    }

    private ClassificationRequest Send(string word, DateTimeOffset deadline, int receivedBefore = 0)
    {
        var request = Jobs.Request() with { Deadline = deadline };
        Store.Set(request.ImageKey!, word);
        Requests.Put(WireJson.Write(request), request.Job.Value, receivedBefore);
        return request;
    }

    private void Stop(BatchId batch, StopCause cause) =>
        Store.Set(ObjectKeys.BatchStop(batch), WireJson.Write(new BatchStop(batch, cause)));

    private JobResult ResultOf(BatchManifest manifest, ManifestJob job) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(manifest.Batch, job.Job))!;

    private void NoteReads() => Store.Before = (call, key) =>
    {
        if (call == StoreCall.Get)
            lock (_reads) _reads.Add(key);
        return Task.CompletedTask;
    };

    private void AssertNothingWasDone()
    {
        Assert.Empty(Classifier.DecodedWords);
        Assert.Empty(Classifier.Batches);
        Assert.Empty(Isolated.Tried);
        lock (_reads)
            Assert.DoesNotContain(_reads, key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));
    }

    private void StartPoller(NodePorts? ports = null)
    {
        var classifier = Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher));
        Sys.ActorOf(PollerActor.Props(
            Settings, ports ?? Ports, classifier, TestActor, new NodeProgress(Time), Time));
    }

    /// <summary>A clock that differs from another one.</summary>
    private sealed class Shifted(TimeProvider time, TimeSpan ahead) : TimeProvider
    {
        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + ahead;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            time.CreateTimer(callback, state, dueTime, period);
    }
}
