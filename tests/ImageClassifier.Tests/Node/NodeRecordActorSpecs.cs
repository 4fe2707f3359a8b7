using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class NodeRecordActorSpecs : NodeSpecs
{
    private static readonly RunArrangement Arrangement = new(2, 1, 4) { PicturesPerSecond = 345.6 };

    private readonly NodeProgress _progress;

    public NodeRecordActorSpecs(ITestOutputHelper output)
        : base(output) =>
        _progress = new NodeProgress(Time);

    [Fact]
    public async Task Nothing_is_written_before_the_first_request()
    {
        Start();
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5));

        Assert.Empty(Store.Keys);
    }

    [Fact]
    public async Task The_record_is_written_at_once_then_when_it_changes_and_seldom_while_it_does_not()
    {
        Start().Tell(new KeepNodeRecord(InstanceState.Running));
        await UntilAsync(() => Record is not null, "it is written");
        Assert.Equal(
            new NodeRecord(Identity.Id, InstanceState.Running, 0, null, Classifier.Model)
            {
                Fingerprint = "0123456789abcdef",
                Arrangement = Arrangement,
            },
            Record);

        Settle(Settlement.Delete, QueueOutcome.Done);
        Settle(Settlement.HandBack, QueueOutcome.Done);
        Settle(Settlement.Delete, QueueOutcome.LeaseLost);
        await AdvanceAsync(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(1));
        Assert.Equal(1, Store.CallsOf(StoreCall.Put));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilAsync(() => Record!.PicturesDone == 1, "it is written again");

        await AdvanceAsync(TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(1));
        Assert.Equal(2, Store.CallsOf(StoreCall.Put));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilAsync(() => Store.CallsOf(StoreCall.Put) == 3, "it shows that the node lives");
    }

    [Fact]
    public async Task The_rate_is_written_once_it_is_known()
    {
        _progress.RecordPoll(new PollReport(10, 10, null));
        _progress.RecordPoll(new PollReport(10, 50, null));
        for (var i = 0; i < 40; i++)
        {
            await AdvanceAsync(TimeSpan.FromMilliseconds(50));
            Settle(Settlement.Delete, QueueOutcome.Done);
        }

        Start().Tell(new KeepNodeRecord(InstanceState.Running));
        await UntilAsync(() => Record is not null, "it is written");
        Assert.Equal(20, Record!.PicturesPerSecond!.Value, 3);
        Assert.Equal(40, Record.PicturesDone);
    }

    [Fact]
    public async Task The_next_record_names_the_models_of_the_registry_that_are_loaded()
    {
        Start().Tell(new KeepNodeRecord(InstanceState.Running));
        await UntilAsync(() => Record is not null, "it is written");
        Assert.Null(Record!.Loaded);

        _progress.RecordLoaded([new ModelIdentity("first", "1", 10), new ModelIdentity("second", "2", 20)]);
        await AdvanceUntilAsync(() => Record!.Loaded is not null, "it is written again", TimeSpan.FromSeconds(1));
        Assert.Equal(["first", "second"], Record!.Loaded!.Select(model => model.Name));
        Assert.Equal(Classifier.Model, Record.Model);

        _progress.RecordLoaded([]);
        await AdvanceUntilAsync(() => Record!.Loaded is null, "it is written again", TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Writes_wait_for_a_slow_write_and_a_new_state_follows_it_at_once()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.Put ? release.Task : Task.CompletedTask;
        var keeper = Start();
        keeper.Tell(new KeepNodeRecord(InstanceState.Running));
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5));
        keeper.Tell(new KeepNodeRecord(InstanceState.Draining));
        await SettleAsync();
        Assert.Equal(1, Store.CallsOf(StoreCall.Put));

        release.SetResult();
        await UntilAsync(() => Record is { State: InstanceState.Draining }, "the new state is written");
        Assert.Equal(2, Store.CallsOf(StoreCall.Put));
    }

    [Fact]
    public async Task A_failing_store_is_logged_once_until_it_works_again()
    {
        Store.FailNext(StoreCall.Put, times: 5);
        await EventFilter.Warning(contains: "could not be written").ExpectAsync(1, async () =>
        {
            Start().Tell(new KeepNodeRecord(InstanceState.Running));
            await AdvanceUntilAsync(() => Record is not null, "it is written", TimeSpan.FromSeconds(10));
        });
        Assert.Equal(6, Store.CallsOf(StoreCall.Put));

        Store.FailNext(StoreCall.Put, times: 2);
        await EventFilter.Warning(contains: "could not be written").ExpectAsync(1, async () =>
            await AdvanceUntilAsync(() => Store.CallsOf(StoreCall.Put) == 9, "it is tried", TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task The_deletion_waits_for_an_open_write_and_nothing_is_written_after_it()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.Put ? release.Task : Task.CompletedTask;
        var keeper = Start();
        keeper.Tell(new KeepNodeRecord(InstanceState.Running));
        keeper.Tell(DeleteNodeRecord.Instance);
        await UntilAsync(() => Store.CallsOf(StoreCall.Put) == 1, "it is being written");
        await SettleAsync();
        Assert.Equal(0, Store.CallsOf(StoreCall.Delete));

        release.SetResult();
        await ExpectMsgAsync<NodeRecordClosed>();
        Assert.Null(Record);
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5));
        Assert.Equal(1, Store.CallsOf(StoreCall.Put));
    }

    [Fact]
    public async Task A_failed_deletion_is_answered_too()
    {
        Store.FailNext(StoreCall.Delete);
        var keeper = Start();
        keeper.Tell(new KeepNodeRecord(InstanceState.Running));
        keeper.Tell(DeleteNodeRecord.Instance);

        await ExpectMsgAsync<NodeRecordClosed>();
    }

    [Fact]
    public async Task A_problem_stays_in_the_record_as_one_line_and_nothing_is_written_after_it()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.Put ? release.Task : Task.CompletedTask;
        var keeper = Start();
        keeper.Tell(new KeepNodeRecord(InstanceState.Running));
        keeper.Tell(new WriteProblem($"It may not read.\n{new string('x', 1000)}"));
        await UntilAsync(() => Store.CallsOf(StoreCall.Put) == 1, "it is being written");
        release.SetResult();
        await ExpectMsgAsync<NodeRecordClosed>();

        Assert.Equal(InstanceState.Ended, Record!.State);
        Assert.StartsWith("It may not read. xxx", Record.Problem, StringComparison.Ordinal);
        Assert.InRange(Record.Problem!.Length, 100, 501);
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5));
        Assert.Equal(2, Store.CallsOf(StoreCall.Put));
    }

    private NodeRecord? Record => Store.DocumentAt<NodeRecord>(ObjectKeys.Node(Identity.Id));

    private IActorRef Start() => Sys.ActorOf(NodeRecordActor.Props(
        Store, Identity.Id, Classifier.Model, Arrangement, "0123456789abcdef", _progress, Settings.Records, Time));

    private void Settle(Settlement settlement, QueueOutcome outcome) =>
        _progress.RecordAcknowledged(new Acknowledged(
            new Delivery(new ReceivedMessage("", "", new Receipt(""), 1), Time.GetMonotonic()), settlement, outcome));
}
