using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Node;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>Jobs with models of the registry, from their message to its settlement.</summary>
public sealed class JobModelsSpecs : NodeSpecs
{
    private static readonly ModelReference First = FakeModelSource.Reference("first");
    private static readonly ModelReference Second = FakeModelSource.Reference("second");

    private readonly NodeProgress _progress;

    public JobModelsSpecs(ITestOutputHelper output)
        : base(output) =>
        _progress = new NodeProgress(Time);

    [Fact]
    public async Task Each_job_is_classified_by_its_model()
    {
        ModelReference?[] models = [null, First, Second];
        var requests = Enumerable.Range(0, 60).Select(i => Upload($"word-{i}", model: models[i % 3])).ToArray();
        var poller = StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");

        Assert.All(requests, request => Assert.Equal(
            request.Model is { } model ? FakeModelSource.IdentityOf(model) : Classifier.Model,
            StoredResultOf(request)!.Model));
        FakeImageClassifier[] classifiers = [Classifier, Models.Of(First).Classifier, Models.Of(Second).Classifier];
        Assert.All(classifiers, classifier => Assert.Equal(20, classifier.Batches.Sum(batch => batch.Count)));
        Assert.All(classifiers, classifier => Assert.Equal(0, classifier.Undisposed));
        Assert.Equal(2, Models.Loads.Count);
        Assert.Equal(["first", "second"], _progress.Loaded.Select(model => model.Name).Order());

        await DrainAsync(poller);
        Assert.All(Models.Loads, model => Assert.True(model.Classifier.IsDisposed));
        Assert.Empty(_progress.Loaded);
        Assert.False(Classifier.IsDisposed);
    }

    [Fact]
    public async Task More_models_than_a_node_keeps_are_loaded_in_turn()
    {
        var models = Enumerable.Range(0, 5).Select(i => FakeModelSource.Reference($"model-{i}")).ToArray();
        var requests = Enumerable.Range(0, 50).Select(i => Upload($"word-{i}", model: models[i % 5])).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");

        Assert.All(requests, request => Assert.Equal(request.Model!.Name, PublishedResultOf(request)!.Model!.Name));
        Assert.InRange(Models.MostLoaded, 1, 2);
        Assert.All(Requests.Deleted, message => Assert.Equal(1, message.ReceiveCount));
    }

    [Fact]
    public async Task A_suspect_is_tried_with_its_model()
    {
        var request = Upload("cat", receivedBefore: 1, model: First);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(["cat"], Models.Of(First).Isolated.Tried);
        Assert.Empty(Isolated.Tried);
        Assert.Equal(FakeModelSource.IdentityOf(First), PublishedResultOf(request)!.Model);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_failed_job_names_its_model(int receivedBefore)
    {
        var refused = Upload(FakeImageClassifier.Refused, receivedBefore, First);
        var missing = Upload("cat", receivedBefore, First);
        await Store.DeleteAsync(missing.ImageKey!, default);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(refused) && IsDeleted(missing), "both were deleted");

        foreach (var request in (ClassificationRequest[])[refused, missing])
        {
            var result = StoredResultOf(request)!;
            Assert.Equal((JobStatus.Failed, FakeModelSource.IdentityOf(First)), (result.Status, result.Model));
        }
    }

    [Fact]
    public async Task A_refused_model_is_replaced_by_the_fallback()
    {
        Models.Before = model => model == First
            ? Task.FromException(new UnusableModelException("its samples fail"))
            : Task.CompletedTask;
        var requests = Enumerable.Range(0, 10)
            .Select(i => Upload($"word-{i}", model: First, fallback: Second)).ToArray();
        StartPoller();
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all were deleted");

        Assert.All(requests, request => Assert.Equal("second", PublishedResultOf(request)!.Model!.Name));
        Assert.All(Requests.Deleted, message => Assert.Equal(1, message.ReceiveCount));
    }

    [Fact]
    public async Task A_slow_load_delays_no_other_job_and_uses_up_no_receive()
    {
        var held = HoldLoads();
        var slow = Enumerable.Range(0, 9).Select(i => Upload($"slow-{i}", model: First)).ToArray();
        StartPoller();
        await UntilAsync(() => Requests.InFlight.Count == 9, "they are in hand");
        var others = Enumerable.Range(0, 9).Select(i => Upload($"other-{i}")).ToArray();
        await AdvanceUntilAsync(() => others.All(IsDeleted), "the others were deleted");

        await AdvanceAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1));
        Assert.Equal(9, Requests.InFlight.Count);
        Assert.True(IsInHand, "the node is not idle");
        held.SetResult();
        await AdvanceUntilAsync(() => slow.All(IsDeleted), "all were deleted");
        Assert.All(Requests.Deleted, message => Assert.Equal(1, message.ReceiveCount));
        Assert.Equal(0, Models.Of(First).Classifier.Undisposed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_slow_load_of_a_suspect_s_model_delays_no_job_of_another_model(int receivedBefore)
    {
        var held = HoldLoads();
        var slow = Upload("slow", receivedBefore: 1, First);
        StartPoller();
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) == 2, "its result and the verdict were looked up");
        await SettleAsync();
        var others = Enumerable.Range(0, 9).Select(i => Upload($"other-{i}", receivedBefore)).ToArray();
        await AdvanceUntilAsync(() => others.All(IsDeleted), "the others were deleted");
        Assert.False(IsDeleted(slow));

        held.SetResult();
        await AdvanceUntilAsync(() => IsDeleted(slow), "the suspect was deleted");
        Assert.Equal("first", PublishedResultOf(slow)!.Model!.Name);
    }

    [Fact]
    public async Task A_call_that_gives_up_while_the_node_does_not_drain_is_logged_as_a_failure()
    {
        var failures = 1;
        Models.Before = _ => Interlocked.Decrement(ref failures) >= 0
            ? Task.FromException(new TaskCanceledException("The call took too long."))
            : Task.CompletedTask;
        var request = Upload("cat", model: First);
        await EventFilter.Warning(contains: "The call took too long.").ExpectAsync(1, async () =>
        {
            StartPoller();
            await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        });

        Assert.Equal(2, Assert.Single(Requests.Deleted).ReceiveCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_node_whose_memory_stays_too_short_for_a_model_is_unhealthy(int receivedBefore)
    {
        Models.Before = _ => Task.FromException(new InsufficientMemoryException("The test took it."));
        var request = Upload("cat", receivedBefore, First, Second);
        StartPoller();

        List<NodeUnhealthy> unhealthy = [];
        await AdvanceUntilAsync(
            () =>
            {
                unhealthy.AddRange(OfPoller<NodeUnhealthy>());
                return unhealthy.Count > 0;
            },
            "it is unhealthy",
            TimeSpan.FromSeconds(1));
        Assert.Contains("The test took it.", unhealthy[0].Problem, StringComparison.Ordinal);
        Assert.Null(Store.TextAt(RegistryKeys.Verdict(First)));
        Assert.Null(StoredResultOf(request));
    }

    [Fact]
    public async Task A_stream_that_ends_without_a_drain_unloads_the_models_of_its_waiting_jobs()
    {
        using var release = new ManualResetEventSlim();
        Classifier.WhileClassifying = _ => release.Wait(RealLimit);
        Upload("cat");
        var poller = StartPoller(
            Ports with { Queues = new QueuePair(new QueueWithoutOutcomes(Requests), Responses) });
        Watch(poller);
        await AdvanceUntilAsync(() => Classifier.Batches.Count == 1, "a run is under way");
        for (var i = 0; i < 6; i++) Upload($"word-{i}", model: First);
        await AdvanceUntilAsync(
            () => Models.Loads.Count == 1 && Models.Of(First).Classifier.DecodedWords.Count > 0, "a job waits for its run");

        // Its delete ends the stream.
        Upload("dog", receivedBefore: 1);
        await AdvanceUntilAsync(() => OfPoller<Terminated>().Count > 0, "the poller stopped");
        await UntilAsync(() => Models.Of(First).Classifier.IsDisposed, "the model is unloaded");
        Assert.True(Models.Of(First).Isolated.IsDisposed);
        release.Set();
    }

    [Fact]
    public async Task A_short_outage_during_a_load_uses_up_no_receive()
    {
        var failures = 3;
        Models.Before = _ => Interlocked.Decrement(ref failures) >= 0
            ? Task.FromException(new IOException("The store is away."))
            : Task.CompletedTask;
        var request = Upload("cat", model: First);
        StartPoller();
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");

        Assert.Equal(1, Assert.Single(Requests.Deleted).ReceiveCount);
        Assert.Equal("first", PublishedResultOf(request)!.Model!.Name);
    }

    [Fact]
    public async Task A_lasting_outage_during_a_load_hands_the_job_back_and_decides_nothing()
    {
        var isAway = true;
        Models.Before = _ => Volatile.Read(ref isAway)
            ? Task.FromException(new IOException("The store is away."))
            : Task.CompletedTask;
        var request = Upload("cat", model: First, fallback: Second);
        StartPoller();
        await AdvanceUntilAsync(
            () => Requests.All.Any(message => message.ReceiveCount == 2), "it was handed back and taken again",
            TimeSpan.FromSeconds(1));
        Assert.Null(Store.TextAt(RegistryKeys.Verdict(First)));

        Volatile.Write(ref isAway, false);
        await AdvanceUntilAsync(() => IsDeleted(request), "the message was deleted");
        Assert.Equal("first", PublishedResultOf(request)!.Model!.Name);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_node_that_alone_cannot_load_a_model_is_unhealthy_and_hands_its_jobs_back(bool isProven)
    {
        if (isProven)
        {
            Store.Set(
                RegistryKeys.Verdict(First), WireJson.Write(new ModelVerdict(IsUsable: true, null, Identity.Id)));
        }

        Models.Before = _ => Task.FromException<object>(isProven
            ? new UnusableModelException("its hash is wrong")
            : new ModelNotLoadedException("The disk is full: its hash is wrong."));
        var requests = Enumerable.Range(0, 5).Select(i => Upload($"word-{i}", model: First)).ToArray();
        StartPoller();

        List<NodeUnhealthy> unhealthy = [];
        await AdvanceUntilAsync(
            () =>
            {
                unhealthy.AddRange(OfPoller<NodeUnhealthy>());
                return unhealthy.Count > 0;
            },
            "it is unhealthy");
        Assert.Contains("its hash is wrong", unhealthy[0].Problem, StringComparison.Ordinal);
        await AdvanceUntilAsync(() => Requests.InFlight.Count == 0, "nothing is in hand");
        Assert.Equal(requests.Length, Requests.Visible.Count);
        Assert.Empty(Published);
    }

    [Fact]
    public async Task A_job_whose_model_no_node_can_load_fails_after_the_last_receive()
    {
        Store.Set(RegistryKeys.Verdict(First), WireJson.Write(new ModelVerdict(IsUsable: true, null, Identity.Id)));
        Models.Before = _ => Task.FromException<object>(new UnusableModelException("its hash is wrong"));
        var request = Upload("cat", receivedBefore: 5, model: First);
        StartPoller();

        await AdvanceUntilAsync(() => StoredResultOf(request) is not null, "it has a result");
        Assert.Equal(JobErrorCodes.TooManyAttempts, StoredResultOf(request)!.Error!.Code);
        await AdvanceUntilAsync(() => PublishedResultOf(request) is not null, "the result is published");
        Assert.False(IsDeleted(request));
    }

    [Fact]
    public async Task A_drain_hands_back_jobs_whose_model_is_being_loaded()
    {
        HoldLoads();
        var request = Upload("cat", model: First);
        var poller = StartPoller();
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) == 1, "the verdict is read");
        await SettleAsync();

        await DrainAsync(poller);
        Assert.Equal(request.Job.Value, Assert.Single(Requests.Visible).GroupId);
    }

    [Fact]
    public async Task A_drain_hands_back_pictures_that_are_not_being_read_yet()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Store.Before = (call, _) => call == StoreCall.Get ? held.Task : Task.CompletedTask;
        for (var i = 0; i < 10; i++) Upload($"word-{i}");
        var poller = StartPoller();
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) == Settings.Polling.Fetchers, "some are being read");
        await SettleAsync();

        poller.Tell(DrainPoller.Instance);
        await UntilAsync(() => Requests.PollsWaiting == 0, "it drains");
        held.SetResult();
        await DrainAsync(poller);
        Assert.Equal(Settings.Polling.Fetchers, Requests.Deleted.Count);
        Assert.Equal(10 - Settings.Polling.Fetchers, Requests.Visible.Count);
    }

    [Fact]
    public async Task The_model_of_a_picture_decides_how_many_share_a_run()
    {
        const int Most = 7;
        using var release = new ManualResetEventSlim();
        Classifier.WhileClassifying = _ => release.Wait(RealLimit);
        Models.BatchSizeOf = _ => Most;
        var first = Upload("cat");
        StartPoller();
        await AdvanceUntilAsync(() => Classifier.Batches.Count == 1, "a run is under way");
        var requests = Enumerable.Range(0, 16).Select(i => Upload($"word-{i}", model: First)).ToArray();
        await AdvanceUntilAsync(
            () => Models.Loads.Count == 1 && Models.Of(First).Classifier.DecodedWords.Count > Most, "a batch is full");

        release.Set();
        await AdvanceUntilAsync(() => requests.Append(first).All(IsDeleted), "all were deleted");
        Assert.Equal(Most, Models.Of(First).Classifier.Batches.Max(batch => batch.Count));
    }

    [Fact]
    public async Task A_request_with_an_impossible_model_is_not_a_request()
    {
        var request = Jobs.Request() with { Model = new ModelReference("../../etc", new string('a', 64)) };
        Requests.Put(WireJson.Write(request));
        StartPoller();
        await AdvanceUntilAsync(() => Requests.DeadLetters.Count == 1, "the queue gave up on the message");

        Assert.Empty(Published);
    }

    private bool IsInHand => OfPoller<PollFinished>() is [.., { InHand: > 0 }];

    /// <summary>The messages of the poller to its owner since the last look.</summary>
    private IReadOnlyList<T> OfPoller<T>()
    {
        List<T> found = [];
        while (HasMessages)
            if (ReceiveOne(TimeSpan.Zero) is T message) found.Add(message);
        return found;
    }

    private async Task DrainAsync(IActorRef poller)
    {
        poller.Tell(DrainPoller.Instance);
        await AdvanceUntilAsync(() => OfPoller<PollerDrained>().Count > 0, "it has drained");
        await UntilAsync(() => _progress.Loaded.Count == 0, "its models are unloaded");
    }

    /// <summary>Blocks every load until the task completes.</summary>
    private TaskCompletionSource HoldLoads()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Models.Before = _ => held.Task;
        return held;
    }

    private IActorRef StartPoller(NodePorts? ports = null)
    {
        var classifier = Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher));
        return Sys.ActorOf(PollerActor.Props(Settings, ports ?? Ports, classifier, TestActor, _progress, Time));
    }
}
