using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using ImageClassifier.Streams;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Embedded;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class SelfTerminatorActorSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly PollFinished Empty = new(0, 0, Failed: false);
    private static readonly PollFinished AtWork = new(1, 1, Failed: false);
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private NodeProgress? _progress;

    [Fact]
    public async Task After_enough_empty_polls_with_an_empty_queue_it_asks_to_end_once()
    {
        var terminator = Start();
        for (var i = 0; i < 10; i++) terminator.Tell(Empty);

        await ExpectMsgAsync<EndInstance>();
        await SettleAsync();
        Assert.False(HasMessages);
        Assert.Equal(1, Requests.CallsOf(QueueCall.Measure));
    }

    [Fact]
    public async Task Too_few_empty_polls_in_a_row_do_not_end_it()
    {
        var terminator = Start();
        foreach (var received in (int[])[0, 0, 1, 0, 0, 3, 0, 0]) terminator.Tell(new PollFinished(received, 0, false));
        await SettleAsync();

        Assert.Equal(0, Requests.CallsOf(QueueCall.Measure));
        terminator.Tell(Empty);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task Failed_polls_do_not_count()
    {
        var terminator = Start();
        terminator.Tell(Empty);
        terminator.Tell(Empty);
        for (var i = 0; i < 10; i++) terminator.Tell(new PollFinished(0, 0, Failed: true));
        await SettleAsync();
        Assert.Equal(0, Requests.CallsOf(QueueCall.Measure));

        terminator.Tell(Empty);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task Polls_that_fail_for_too_long_ask_to_end_once_and_a_success_resets_the_time()
    {
        var limit = Settings.Termination.CutOffLimit;
        var failed = new PollFinished(0, 0, Failed: true);
        var terminator = Start();
        terminator.Tell(failed);
        await AdvanceAsync(limit / 2, limit / 2);
        terminator.Tell(new PollFinished(1, 1, Failed: false));
        terminator.Tell(failed);
        await AdvanceAsync(limit - TimeSpan.FromSeconds(1), limit / 10);
        terminator.Tell(failed);
        Assert.True(await IsSilentAsync());

        await AdvanceAsync(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        await EventFilter.Error(contains: "Every poll has failed").ExpectAsync(1, () =>
        {
            for (var i = 0; i < 3; i++) terminator.Tell(failed);
            return Task.CompletedTask;
        });
        await ExpectMsgAsync<EndInstance>();
        Assert.True(await IsSilentAsync());
    }

    [Fact]
    public async Task Messages_in_hand_prevent_the_end()
    {
        var terminator = Start();
        for (var i = 0; i < 10; i++) terminator.Tell(new PollFinished(0, 1, false));
        await SettleAsync();
        Assert.Equal(0, Requests.CallsOf(QueueCall.Measure));

        terminator.Tell(Empty);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task Waiting_messages_reset_the_count()
    {
        Requests.Put("waiting");
        var terminator = Start();
        for (var i = 0; i < 3; i++) terminator.Tell(Empty);
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "the queue was measured");
        await SettleAsync();

        terminator.Tell(Empty);
        terminator.Tell(Empty);
        await SettleAsync();
        Assert.Equal(1, Requests.CallsOf(QueueCall.Measure));
        Assert.False(HasMessages);
    }

    [Fact]
    public async Task Messages_in_flight_elsewhere_do_not_prevent_the_end()
    {
        Requests.Put("elsewhere");
        await Requests.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromMinutes(1), CancellationToken.None);
        var terminator = Start();
        for (var i = 0; i < 3; i++) terminator.Tell(Empty);

        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task A_receive_during_the_measure_prevents_the_end()
    {
        var measured = new TaskCompletionSource();
        Requests.Before = call => call == QueueCall.Measure ? measured.Task : Task.CompletedTask;
        var terminator = Start();
        for (var i = 0; i < 3; i++) terminator.Tell(Empty);
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "the queue is measured");
        terminator.Tell(new PollFinished(1, 1, false));
        await SettleAsync();

        measured.SetResult();
        await SettleAsync();
        Assert.False(HasMessages);
    }

    [Fact]
    public async Task A_failed_measure_prevents_the_end_for_now()
    {
        Requests.FailNext(QueueCall.Measure);
        var terminator = Start();
        for (var i = 0; i < 3; i++) terminator.Tell(Empty);
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "the queue was measured");
        await SettleAsync();
        Assert.False(HasMessages);

        for (var i = 0; i < 3; i++) terminator.Tell(Empty);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task It_lives_for_its_minimum_lifetime_and_a_restart_does_not_reset_it()
    {
        Settings = Settings with
        {
            Termination = Settings.Termination with { MinLifetime = TimeSpan.FromSeconds(35) },
        };
        var terminator = Start();
        for (var i = 0; i < 6; i++)
        {
            await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
            if (i == 0) await RestartAsync(terminator);
            terminator.Tell(Empty);
        }

        await SettleAsync();
        Assert.Equal(0, Requests.CallsOf(QueueCall.Measure));

        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        terminator.Tell(Empty);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task A_clock_that_is_set_forward_ends_neither_a_window_nor_the_minimum_lifetime()
    {
        Settings = Settings with { Termination = Settings.Termination with { MinLifetime = Window } };
        var clock = new MovableTime();
        var terminator = Sys.ActorOf(
            SelfTerminatorActor.Props(Settings, Ports, TestActor, new NodeProgress(clock), clock));
        clock.SetWallClock(1.5 * Window);
        foreach (var poll in (PollFinished[])[AtWork, Empty, Empty, Empty]) terminator.Tell(poll);
        await SettleAsync();

        Assert.Equal((0, 0), (Store.CallsOf(StoreCall.List), Requests.CallsOf(QueueCall.Measure)));
    }

    [Fact]
    public async Task Staying_is_logged_once_until_it_receives_again()
    {
        Sys.EventStream.SetLogLevel(LogLevel.InfoLevel);
        Requests.Put("waiting");
        var terminator = Start();
        await EventFilter.Info(contains: "the instance stays").ExpectAsync(1, () => StayAsync(rounds: 20));

        terminator.Tell(new PollFinished(1, 0, false));
        await EventFilter.Info(contains: "the instance stays").ExpectAsync(1, () => StayAsync(rounds: 2));

        async Task StayAsync(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                var measures = Requests.CallsOf(QueueCall.Measure);
                for (var i = 0; i < 3; i++) terminator.Tell(Empty);
                await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) > measures, "the queue was measured");
                await SettleAsync();
            }
        }
    }

    [Fact]
    public async Task A_surplus_node_asks_to_end_and_to_finish_its_work()
    {
        var terminator = await StartSurplusAsync(otherNode: "instance-0");
        await PassWindowAsync(terminator);
        Assert.True(await IsSilentAsync());

        await PassWindowAsync(terminator);
        var end = await ExpectMsgAsync<EndInstance>();
        Assert.True(end.FinishesWork);
        Assert.Equal("2 nodes share work that needs 1", end.Reason);
        await PassWindowAsync(terminator);
        Assert.True(await IsSilentAsync());
    }

    [Fact]
    public async Task The_first_node_stays_and_does_not_measure_the_queue()
    {
        var terminator = await StartSurplusAsync(otherNode: "instance-2");
        for (var i = 0; i < 3; i++) await PassWindowAsync(terminator);

        Assert.True(await IsSilentAsync());
        Assert.Equal(3, Store.CallsOf(StoreCall.List));
        Assert.Equal(0, Requests.CallsOf(QueueCall.Measure));
    }

    [Fact]
    public async Task A_surplus_node_stays_while_messages_wait_or_the_nodes_cannot_be_counted()
    {
        var terminator = await StartSurplusAsync(otherNode: "instance-0");
        await PassWindowAsync(terminator);
        Requests.Put("waiting");
        await PassWindowAsync(terminator);
        Assert.True(await IsSilentAsync());

        await Requests.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromHours(1), CancellationToken.None);
        Store.FailNext(StoreCall.List);
        await PassWindowAsync(terminator);
        Assert.True(await IsSilentAsync());

        await PassWindowAsync(terminator);
        await ExpectMsgAsync<EndInstance>();
    }

    [Fact]
    public async Task Empty_polls_count_while_the_nodes_are_counted()
    {
        var counted = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.List ? counted.Task : Task.CompletedTask;
        var terminator = await StartSurplusAsync(otherNode: "instance-2");
        await PassWindowAsync(terminator);
        for (var i = 0; i < 3; i++) terminator.Tell(Empty);
        Assert.True(await IsSilentAsync());

        counted.SetResult();
        await SettleAsync();
        terminator.Tell(Empty);
        Assert.False((await ExpectMsgAsync<EndInstance>()).FinishesWork);
    }

    private IActorRef Start() => Sys.ActorOf(SelfTerminatorActor.Props(
        Settings, Ports, TestActor, _progress ?? new NodeProgress(Time), Time));

    /// <summary>Starts the actor of a node that has shown its full speed and does nothing more.</summary>
    private async Task<IActorRef> StartSurplusAsync(string otherNode)
    {
        _progress = new NodeProgress(Time);
        var terminator = Start();
        var delivery = new Delivery(new ReceivedMessage("", "", new Receipt(""), 1), Time.GetMonotonic());
        var done = new Acknowledged(delivery, Settlement.Delete, QueueOutcome.Done);
        for (var second = 0; second < 3; second++)
        {
            _progress.RecordPoll(new PollReport(10, 10, null));
            await AdvanceAsync(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
            for (var i = 0; i < 10; i++) _progress.RecordAcknowledged(done);
        }

        foreach (var node in (InstanceId[])[Identity.Id, InstanceId.Parse(otherNode)])
            Store.Set(ObjectKeys.Node(node), "{}");
        return terminator;
    }

    private async Task PassWindowAsync(IActorRef terminator)
    {
        await AdvanceAsync(Window, Window);
        terminator.Tell(AtWork);
        await SettleAsync();
    }

    private async Task<bool> IsSilentAsync()
    {
        await SettleAsync();
        return !HasMessages;
    }

    private static async Task RestartAsync(IActorRef actor)
    {
        ((IInternalActorRef)actor).Restart(new InvalidOperationException("The test restarts it."));
        await SettleAsync();
    }
}
