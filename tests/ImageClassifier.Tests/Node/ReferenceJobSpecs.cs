using System.Collections.Concurrent;
using System.Net;
using Akka.Actor;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Node.References;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>Jobs with a reference, from their message to its settlement.</summary>
public sealed class ReferenceJobSpecs : NodeSpecs
{
    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, .. "cat"u8];

    private readonly HeldBuckets _buckets = new();

    public ReferenceJobSpecs(ITestOutputHelper output)
        : base(output) =>
        Settings = Settings with
        {
            References = new ReferenceSettings(
                new ReferenceRules(new AddressRules([IPNetwork.Parse("127.0.0.0/8")]), ["photos"])),
        };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_picture_is_fetched_classified_and_not_stored(int receivedBefore)
    {
        await using var server = await PictureServer.StartAsync(
            context => context.Response.Body.WriteAsync(Jpeg).AsTask(), isEncrypted: false);
        var request = Send(new PictureReference { Url = server.PlainUrl() }, receivedBefore);
        StartPoller();
        // Little time passes, so that the fetch is not too late.
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted", TimeSpan.FromMilliseconds(5));

        var result = StoredResultOf(request)!;
        Assert.Equal(JobStatus.Classified, result.Status);
        Assert.EndsWith("cat", result.Predictions[0].Label, StringComparison.Ordinal);
        Assert.NotNull(PublishedResultOf(request));
        Assert.Equal(receivedBefore, Isolated.Tried.Count);
        Assert.DoesNotContain(Store.Keys, key => key.StartsWith("images/", StringComparison.Ordinal));
        Assert.Equal(0, Classifier.Undisposed);
    }

    [Theory]
    [InlineData("https://169.254.169.254/latest/meta-data", null, JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("https://10.0.0.1/cat.jpg", null, JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("file:///etc/passwd", null, JobErrorCodes.ReferenceMalformed)]
    [InlineData(null, "s3://others/cat.jpg", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData(null, "s3://photos/../others/cat.jpg", JobErrorCodes.ReferenceMalformed)]
    public async Task A_hostile_message_fails_its_job_and_reaches_nothing(string? url, string? s3, string code)
    {
        var requests = new[] { 0, 1 }.Select(
            received => Send(new PictureReference { Url = url, S3 = s3 }, received)).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "the messages were deleted");
        Assert.All(requests, request => Assert.Equal(code, PublishedResultOf(request)!.Error!.Code));
        Assert.Empty(_buckets.Calls);
    }

    [Fact]
    public async Task Messages_with_none_or_two_places_of_their_picture_are_given_up()
    {
        var request = Jobs.Request();
        ClassificationRequest[] broken =
        [
            request with { Reference = new PictureReference { Url = "https://example.com/" } },
            request with { ImageKey = null },
            request with { ImageKey = null, Reference = new PictureReference() },
            request with { ImageKey = null, Reference = new PictureReference { Url = "" } },
            request with
            {
                ImageKey = null,
                Reference = new PictureReference { Url = "https://example.com/", S3 = "s3://photos/cat.jpg" },
            },
        ];
        for (var i = 0; i < broken.Length; i++) Requests.Put(WireJson.Write(broken[i]), $"group-{i}");
        StartPoller();
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == broken.Length, "the queue gave up on the messages");
        Assert.Empty(_buckets.Calls);
        Assert.Empty(Published);
    }

    [Fact]
    public async Task More_slow_references_than_a_node_holds_delay_no_stored_picture_and_keep_their_leases()
    {
        var slow = Enumerable.Range(0, Settings.Polling.Source.MaxInFlight + 10)
            .Select(i => Send(new PictureReference { S3 = $"s3://photos/{i}.jpg" })).ToArray();
        var stored = Enumerable.Range(0, 5).Select(i => Upload($"word-{i}")).ToArray();
        StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == ReferenceLoader.FreshPlaces, "all places are taken");
        await AdvanceUntilAsync(() => stored.All(IsDeleted), "the stored pictures were classified", TimeSpan.FromMilliseconds(10));
        Assert.Equal(ReferenceLoader.FreshPlaces, _buckets.Calls.Count);
        Assert.DoesNotContain(slow, IsDeleted);

        _buckets.Release(Jpeg);
        await AdvanceUntilAsync(() => slow.All(IsDeleted), "the references were classified", TimeSpan.FromMilliseconds(10));
        Assert.All(slow, request => Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status));
        Assert.Equal(slow.Length, _buckets.Calls.Count);
    }

    [Fact]
    public async Task A_message_in_a_slow_fetch_keeps_its_lease()
    {
        var waiting = Enumerable.Range(0, 9).Select(i => Send(new PictureReference { S3 = $"s3://photos/{i}.jpg" })).ToArray();
        StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == ReferenceLoader.FreshPlaces, "all places are taken");
        // Each fetch has two tries of ten seconds, and the last message waits for a place meanwhile.
        await AdvanceUntilAsync(
            () => waiting.All(IsDeleted), "all references were given up", TimeSpan.FromSeconds(1));
        Assert.All(
            waiting, request => Assert.Equal(JobErrorCodes.Unreachable, PublishedResultOf(request)!.Error!.Code));
        Assert.Empty(Isolated.Tried);
        Assert.NotEmpty(Requests.BatchSizesOf(QueueCall.Extend));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reference_whose_deadline_has_passed_is_not_fetched(int receivedBefore)
    {
        var request = Send(
            new PictureReference { S3 = "s3://photos/cat.jpg" }, receivedBefore,
            deadline: Time.GetUtcNow() - TimeSpan.FromSeconds(1));
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal(JobErrorCodes.Expired, PublishedResultOf(request)!.Error!.Code);
        Assert.Empty(_buckets.Calls);
    }

    [Fact]
    public async Task A_reference_that_was_received_before_its_deadline_is_fetched_and_counts()
    {
        var request = Send(
            new PictureReference { S3 = "s3://photos/cat.jpg" }, deadline: Time.GetUtcNow() + TimeSpan.FromSeconds(1));
        StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == 1, "it is being fetched");
        await AdvanceAsync(TimeSpan.FromSeconds(3));
        _buckets.Release(Jpeg);
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted", TimeSpan.FromMilliseconds(10));
        Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status);
    }

    [Theory]
    [InlineData(StopCause.Cancelled, JobErrorCodes.Cancelled)]
    [InlineData(StopCause.Expired, JobErrorCodes.Expired)]
    public async Task A_reference_that_waits_for_slow_hosts_while_its_batch_is_stopped_is_not_fetched(
        StopCause cause, string code)
    {
        var slow = Enumerable.Range(0, ReferenceLoader.FreshPlaces)
            .Select(i => Send(new PictureReference { S3 = $"s3://photos/{i}.jpg" })).ToArray();
        StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == slow.Length, "all places are taken");
        var stopped = Send(new PictureReference { S3 = "s3://photos/stopped.jpg" });
        await AdvanceUntilAsync(() => Requests.Visible.Count == 0, "the message was received", TimeSpan.FromMilliseconds(10));
        Store.Set(ObjectKeys.BatchStop(stopped.Batch), WireJson.Write(new BatchStop(stopped.Batch, cause)));
        await AdvanceUntilAsync(() => IsDeleted(stopped), "the message was deleted", TimeSpan.FromSeconds(1));
        Assert.Equal(code, PublishedResultOf(stopped)!.Error!.Code);
        Assert.DoesNotContain(_buckets.Calls, call => call.EndsWith("stopped.jpg", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_job_that_waits_for_a_host_holds_no_model()
    {
        // More models than a node keeps.
        var waiting = Enumerable.Range(0, 3).Select(i => Send(
            new PictureReference { S3 = $"s3://photos/{i}.jpg" }, model: FakeModelSource.Reference($"model-{i}"))).ToArray();
        StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == waiting.Length, "all are being fetched");
        var stored = Upload("cat", model: FakeModelSource.Reference("other"));
        await AdvanceUntilAsync(() => IsDeleted(stored), "the stored picture was classified", TimeSpan.FromMilliseconds(10));
        Assert.Single(Models.Loads);

        _buckets.Release(Jpeg);
        await AdvanceUntilAsync(
            () => waiting.All(IsDeleted), "the references were classified", TimeSpan.FromMilliseconds(10));
        Assert.All(waiting, request => Assert.Equal(request.Model!.Name, StoredResultOf(request)!.Model!.Name));
    }

    [Fact]
    public async Task A_drain_hands_back_references_that_are_being_fetched()
    {
        var requests = Enumerable.Range(0, 12)
            .Select(i => Send(new PictureReference { S3 = $"s3://photos/{i}.jpg" })).ToArray();
        var poller = StartPoller();
        await UntilAsync(() => _buckets.Calls.Count == ReferenceLoader.FreshPlaces, "all places are taken");
        Watch(poller);
        poller.Tell(DrainPoller.Instance);
        await AdvanceUntilAsync(() => Requests.Visible.Count == requests.Length, "all were handed back");
        await FishForMessageAsync(message => message is Terminated);
        Assert.Empty(Published);
    }

    private ClassificationRequest Send(
        PictureReference reference, int receivedBefore = 0, ModelReference? model = null, DateTimeOffset? deadline = null)
    {
        var request = Jobs.Request() with
        {
            ImageKey = null,
            Reference = reference,
            Model = model,
            Deadline = deadline,
        };
        Requests.Put(WireJson.Write(request), request.Job.Value, receivedBefore);
        return request;
    }

    private IActorRef StartPoller()
    {
        var classifier = Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher));
        return Sys.ActorOf(PollerActor.Props(
            Settings, Ports with { Buckets = _buckets }, classifier, TestActor, new NodeProgress(Time), Time));
    }

    /// <summary>Buckets that answer when the test says so.</summary>
    private sealed class HeldBuckets : IBucketReader
    {
        private readonly TaskCompletionSource<byte[]> _content =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<string> Calls { get; } = new();

        public void Release(byte[] content) => _content.SetResult(content);

        public async Task<BucketRead> OpenAsync(string bucket, string key, CancellationToken cancellation)
        {
            Calls.Enqueue($"{bucket}/{key}");
            var content = await _content.Task.WaitAsync(cancellation);
            return new BucketRead.Found(new StoredObject(new MemoryStream(content), content.Length, default));
        }
    }
}
