using Akka.Actor;
using Akka.Event;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Termination;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class SelfTerminatorActorSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly PollFinished Empty = new(0, 0, Failed: false);

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

    private IActorRef Start() =>
        Sys.ActorOf(SelfTerminatorActor.Props(Requests, Settings.Termination, TestActor, Time));

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
