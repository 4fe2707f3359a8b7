using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Scaling;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class ScalerActorSpecs : WebSpecs
{
    private const int Cap = 19;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly ScalingSettings Settings = Scaling.Settings with { MaxInstances = Cap };

    private readonly FakeInstanceFleet _fleet;

    public ScalerActorSpecs(ITestOutputHelper output)
        : base(output) => _fleet = new FakeInstanceFleet(Time);

    [Theory]
    [InlineData(5, 5)]
    [InlineData(50, 19)]
    public async Task For_each_waiting_picture_an_instance_up_to_the_cap(int pictures, int instances)
    {
        Upload(pictures);
        var scaler = Start();
        await PassAsync(20 * Second);

        Assert.Equal(instances, Assert.Single(_fleet.Launches).Count);
        Assert.Equal(instances, _fleet.Living.Count);
        var view = await ViewAsync(scaler);
        Assert.Equal(pictures, view.Waiting);
        Assert.Equal(Cap, view.MaxInstances);
        Assert.Equal(instances, view.Instances.Count);
        Assert.Equal(DecisionOutcome.Launched, view.Decisions[0].Outcome);
        Assert.Equal(instances, view.Decisions[0].Launched);
    }

    [Fact]
    public async Task After_a_start_it_only_looks_for_a_while()
    {
        Upload(5);
        var scaler = Start();
        await PassAsync(4 * Second);
        Assert.Empty(_fleet.Launches);
        Assert.Equal(HoldCause.Settling, (await ViewAsync(scaler)).Decisions[0].Hold);

        await PassAsync(2 * Second);
        Assert.Single(_fleet.Launches);
    }

    [Fact]
    public async Task Instances_that_the_fleet_does_not_show_yet_count_for_the_need_and_for_the_cap()
    {
        _fleet.ShowsLaunches = false;
        Upload(15);
        Start();
        await PassAsync(20 * Second);
        Assert.Equal([15], _fleet.Launches.Select(launch => launch.Count));

        Upload(35);
        await PassAsync(20 * Second);
        Assert.Equal([15, 4], _fleet.Launches.Select(launch => launch.Count));
    }

    [Fact]
    public async Task Draining_instances_count_for_the_cap_and_do_no_work()
    {
        Upload(3);
        var scaler = Start(Settings with { MaxInstances = 3 });
        await PassAsync(10 * Second);
        _fleet.MoveAll(InstanceState.Running);
        _fleet.Move(_fleet.Living[0].Id, InstanceState.Draining);
        _fleet.Move(_fleet.Living[1].Id, InstanceState.Draining);
        await PassAsync(10 * Second);
        Assert.Single(_fleet.Launches);
        Assert.Equal(HoldCause.Cap, (await ViewAsync(scaler)).Decisions[0].Hold);

        _fleet.Move(_fleet.Living[0].Id, InstanceState.Ended);
        await PassAsync(2 * Second);
        Assert.Equal([3, 1], _fleet.Launches.Select(launch => launch.Count));
    }

    [Fact]
    public async Task Pictures_that_are_in_flight_want_no_instance()
    {
        Upload(5);
        await Requests.ReceiveAsync(5, TimeSpan.Zero, TimeSpan.FromHours(1), CancellationToken.None);
        var scaler = Start();
        await PassAsync(20 * Second);

        Assert.Empty(_fleet.Launches);
        var view = await ViewAsync(scaler);
        Assert.Equal((0, 5), (view.Waiting, view.InFlight));
        Assert.Equal(DecisionOutcome.Idle, Assert.Single(view.Decisions).Outcome);
    }

    [Fact]
    public async Task When_work_was_sent_it_looks_at_once()
    {
        var scaler = Start(Settings with { SettleTime = TimeSpan.Zero, IdleInterval = TimeSpan.FromMinutes(5) });
        await PassAsync(10 * Second);
        Upload(2);
        scaler.Tell(new WorkSent(2));

        await UntilAsync(() => _fleet.Living.Count == 2, "instances were launched");
    }

    [Fact]
    public async Task Work_that_is_sent_while_it_looks_is_seen_too()
    {
        var scaler = Start(Settings with { SettleTime = TimeSpan.Zero, IdleInterval = TimeSpan.FromMinutes(5) });
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "it looked");
        await SettleAsync();
        var looking = new TaskCompletionSource();
        Requests.Before = call => call == QueueCall.Measure ? looking.Task : Task.CompletedTask;
        scaler.Tell(new WorkSent(0));
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 2, "it looks");
        scaler.Tell(new WorkSent(2));
        await SettleAsync();
        looking.SetResult();
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 3, "it looks again");
    }

    [Fact]
    public async Task Once_told_to_it_launches_nothing_more()
    {
        Upload(5);
        var scaler = Start();
        scaler.Tell(StopLaunching.Instance);
        await PassAsync(20 * Second);

        Assert.Empty(_fleet.Launches);
        Assert.Equal(HoldCause.Stopping, (await ViewAsync(scaler)).Decisions[0].Hold);
    }

    [Fact]
    public async Task A_launch_that_fails_is_tried_again_after_longer_and_longer_pauses_and_shows()
    {
        _fleet.FailLaunches(4, new IOException("/secret/path"));
        Upload(5);
        var scaler = Start();
        await AdvanceUntilAsync(() => _fleet.Launches.Count == 1, "a launch was tried", Second / 2);
        await SettleAsync();
        var held = (await ViewAsync(scaler)).Decisions[0];
        Assert.Equal(DecisionOutcome.Held, held.Outcome);
        Assert.Equal(HoldCause.FailedLaunch, held.Hold);
        Assert.Contains("does not answer", held.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", held.Reason, StringComparison.Ordinal);

        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
        var pauses = _fleet.Launches.Zip(_fleet.Launches.Skip(1), (one, next) => next.At - one.At).ToArray();
        Assert.All(pauses, pause => Assert.True(pause >= Second));
        Assert.True(pauses[^1] >= 8 * Second);
    }

    [Fact]
    public async Task A_launch_whose_answer_was_lost_is_asked_for_again_by_its_name()
    {
        _fleet.FailLaunches(2);
        Upload(5);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
        Assert.Single(_fleet.Launches.Select(launch => launch.ClientToken).Distinct());

        Upload(5);
        await AdvanceUntilAsync(() => _fleet.Living.Count == 10, "more were launched", Second / 2);
        Assert.Equal(2, _fleet.Launches.Select(launch => launch.ClientToken).Distinct().Count());
    }

    [Fact]
    public async Task A_launch_whose_answer_was_lost_is_asked_for_as_it_was_although_more_is_wanted_by_now()
    {
        _fleet.FailLaunches();
        Upload(5);
        Start();
        await AdvanceUntilAsync(() => _fleet.Launches.Count == 1, "a launch was asked for", Second / 2);
        Upload(5);
        await AdvanceUntilAsync(() => _fleet.Living.Count == 10, "all were launched", Second / 2);

        Assert.Equal([5, 5, 5], _fleet.Launches.Select(launch => launch.Count));
        Assert.Equal(_fleet.Launches[0].ClientToken, _fleet.Launches[1].ClientToken);
        Assert.NotEqual(_fleet.Launches[0].ClientToken, _fleet.Launches[2].ClientToken);
    }

    [Fact]
    public async Task A_launch_without_an_answer_is_given_up_when_it_would_show_by_now()
    {
        _fleet.FailLaunches();
        Upload(5);
        Start(Settings with { MinBackoff = 10 * Second, MaxBackoff = 10 * Second, LaunchTimeout = 5 * Second });
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
        Assert.Equal(2, _fleet.Launches.Select(launch => launch.ClientToken).Distinct().Count());
    }

    [Fact]
    public async Task A_launch_that_falls_short_shows_why_and_makes_it_pause()
    {
        _fleet.Capacity = 2;
        Upload(5);
        var scaler = Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 2, "some were launched", Second / 2);
        await SettleAsync();
        var launched = (await ViewAsync(scaler)).Decisions.First(one => one.Outcome == DecisionOutcome.Launched);
        Assert.Equal((5, 2), (launched.Wanted, launched.Launched));
        Assert.Contains("There is room for 2.", launched.Reason, StringComparison.Ordinal);

        await PassAsync(60 * Second);
        Assert.InRange(_fleet.Launches.Count, 3, 8);
        Assert.Equal(HoldCause.FailedLaunch, (await ViewAsync(scaler)).Decisions[0].Hold);
    }

    [Fact]
    public async Task Instances_that_end_before_their_first_poll_make_one_pause_together()
    {
        Upload(10);
        var scaler = Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 10, "instances were launched", Second / 2);
        _fleet.MoveAll(InstanceState.Ended);
        await PassAsync(Second);
        var held = (await ViewAsync(scaler)).Decisions[0];
        Assert.Equal(HoldCause.FailedLaunch, held.Hold);
        Assert.Contains("10 instances never came up", held.Reason, StringComparison.Ordinal);

        await PassAsync(3 * Second);
        Assert.Equal(10, _fleet.Living.Count);
    }

    [Fact]
    public async Task Instances_that_fail_again_and_again_are_launched_ever_more_slowly_though_another_runs()
    {
        Upload(2);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 2, "instances were launched", Second / 2);
        _fleet.Move(_fleet.Living[0].Id, InstanceState.Running);
        await PassAsync(2 * Second);
        for (var i = 0; i < 240; i++)
        {
            foreach (var pending in _fleet.Living.Where(instance => instance.State == InstanceState.Pending))
                _fleet.Move(pending.Id, InstanceState.Ended);
            await PassAsync(Second / 2);
        }

        Assert.InRange(_fleet.Launches.Count, 5, 12);
    }

    [Fact]
    public async Task Launches_that_never_show_are_given_up_and_made_again()
    {
        _fleet.ShowsLaunches = false;
        Upload(5);
        var scaler = Start();
        await AdvanceAsync(TimeSpan.FromMinutes(2), Second);
        Assert.Single(_fleet.Launches);
        await AdvanceUntilAsync(
            () => ViewAsync(scaler).GetAwaiter().GetResult().Decisions[0].Hold == HoldCause.FailedLaunch,
            "the launches are given up", Second / 2);

        await PassAsync(4 * Second);
        Assert.Equal(2, _fleet.Launches.Count);
    }

    [Fact]
    public async Task While_it_sees_nothing_it_launches_nothing_and_looks_on()
    {
        _fleet.FailDescribes(10);
        Upload(5);
        Start();
        await PassAsync(8 * Second);
        Assert.Empty(_fleet.Launches);

        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
    }

    [Fact]
    public async Task The_latency_policy_launches_few_within_two_seconds_of_an_upload_and_no_more_after_it()
    {
        var scaler = Start(Latency with { SettleTime = TimeSpan.Zero, IdleInterval = TimeSpan.FromMinutes(5) });
        await PassAsync(10 * Second);
        Upload(1000);
        scaler.Tell(new WorkSent(1000));
        await AdvanceUntilAsync(() => _fleet.Living.Count == 3, "instances were launched", Second / 2);
        Assert.InRange(Time.GetUtcNow() - _fleet.Launches[0].At, TimeSpan.Zero, 2 * Second);

        await PassAsync(26 * Second);
        _fleet.MoveAll(InstanceState.Running);
        await PassAsync(60 * Second);
        Assert.Single(_fleet.Launches);
    }

    [Fact]
    public async Task Jobs_that_were_sent_count_before_the_counts_show_them()
    {
        var scaler = Start(Latency with { SettleTime = TimeSpan.Zero, CountsLag = 60 * Second });
        await PassAsync(Second);
        scaler.Tell(new WorkSent(1000));
        await UntilAsync(() => _fleet.Living.Count == 3, "instances were launched");
    }

    [Fact]
    public async Task What_does_not_come_up_is_ended_and_replaced_after_a_pause()
    {
        Upload(1);
        var scaler = Start(Settings with { BootDeadline = 20 * Second });
        await AdvanceUntilAsync(() => _fleet.Living.Count == 1, "an instance was launched", Second / 2);
        var first = _fleet.Living[0].Id;
        await AdvanceUntilAsync(() => _fleet.Terminated.Count > 0, "it is ended", Second / 2);
        Assert.Equal([first], _fleet.Terminated);
        await PassAsync(5 * Second);
        Assert.NotEqual(first, Assert.Single(_fleet.Living).Id);
        Assert.Contains((await ViewAsync(scaler)).Decisions, one => one.Hold == HoldCause.FailedLaunch);
    }

    [Fact]
    public async Task Whose_record_does_not_change_any_more_is_ended_and_shown_with_what_it_did()
    {
        Upload(2);
        var scaler = Start(Settings with { SilenceLimit = 30 * Second });
        await AdvanceUntilAsync(() => _fleet.Living.Count == 2, "instances were launched", Second / 2);
        _fleet.MoveAll(InstanceState.Running);
        var (silent, lively) = (_fleet.Living[0].Id, _fleet.Living[1].Id);
        Write(silent, 1);
        for (var i = 0; i < 12 && _fleet.Terminated.Count == 0; i++)
        {
            Write(lively, i);
            await PassAsync(5 * Second);
        }

        Assert.Equal([silent], _fleet.Terminated);
        var shown = (await ViewAsync(scaler)).Instances.Single(instance => instance.Shown.Id == lively);
        Assert.InRange(shown.Record!.PicturesDone, 1, 12);
        Assert.NotNull(shown.HeardAt);
    }

    [Fact]
    public async Task For_what_a_silent_node_had_another_is_launched_before_the_silent_one_is_ended()
    {
        Upload(1);
        Start(Settings with { QuietAfter = 15 * Second });
        await PassAsync(10 * Second);
        _fleet.MoveAll(InstanceState.Running);
        Write(_fleet.Living[0].Id, 1);
        // The node is paused: its picture waits again when the lease has run out, and its record grows old.
        await PassAsync(30 * Second);

        Assert.Equal([1, 1], _fleet.Launches.Select(launch => launch.Count));
        Assert.Empty(_fleet.Terminated);
    }

    [Fact]
    public async Task Records_that_cannot_be_read_keep_the_fleet_from_nothing()
    {
        Upload(5);
        Store.FailNext(StoreCall.List, times: 100);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
        _fleet.MoveAll(InstanceState.Running);
        await PassAsync(200 * Second);
        Assert.Empty(_fleet.Terminated);
    }

    [Fact]
    public async Task Records_that_take_long_hold_up_no_launch_and_are_taken_when_they_are_there()
    {
        var reading = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.List ? reading.Task : Task.CompletedTask;
        var scaler = Start(Settings with { SettleTime = TimeSpan.Zero });
        await PassAsync(2 * Second);
        Upload(1);
        scaler.Tell(new WorkSent(1));
        await AdvanceUntilAsync(() => _fleet.Living.Count == 1, "an instance was launched", Second / 2);
        Assert.InRange(Time.GetUtcNow() - _fleet.Launches[0].At, TimeSpan.Zero, 2 * Second);

        Write(_fleet.Living[0].Id, done: 7);
        reading.SetResult();
        await AdvanceUntilAsync(
            () => ViewAsync(scaler).GetAwaiter().GetResult().Instances is [{ Record.PicturesDone: 7 }],
            "the record shows", Second / 2);
    }

    [Fact]
    public async Task A_read_of_records_that_fails_as_no_one_expected_is_made_again()
    {
        Store.FailNext(StoreCall.List, times: 3, new InvalidOperationException("A fault in the adapter."));
        Upload(5);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
    }

    [Fact]
    public async Task The_records_of_instances_that_are_gone_are_deleted_once()
    {
        Write(InstanceId.Parse("i-gone"), done: 1);
        Start();
        await AdvanceAsync(TimeSpan.FromMinutes(20), 5 * Second);
        Assert.Equal(1, Store.CallsOf(StoreCall.Delete));
        Assert.DoesNotContain(ObjectKeys.Node(InstanceId.Parse("i-gone")), Store.Keys);
    }

    [Fact]
    public async Task A_decision_is_one_line_with_what_was_seen_wanted_and_done_and_why()
    {
        Sys.EventStream.SetLogLevel(Akka.Event.LogLevel.InfoLevel);
        Upload(5);
        await EventFilter.Info(
                start: "Scaling: 5 waiting, 0 in flight; 0 running, 0 booting, 0 draining; 5 wanted, 5 launched: 5 pictures wait")
            .ExpectAsync(1, async () =>
            {
                Start();
                await PassAsync(20 * Second);
            });
    }

    [Fact]
    public async Task What_cannot_be_seen_is_said_once()
    {
        _fleet.FailDescribes(10);
        await EventFilter.Warning(start: "The scaler sees nothing").ExpectAsync(1, async () =>
        {
            Start();
            await PassAsync(20 * Second);
        });
    }

    [Fact]
    public async Task Each_source_of_the_measured_times_counts()
    {
        Upload(1);
        var scaler = Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 1, "an instance was launched", Second / 2);
        await PassAsync(40 * Second);
        _fleet.MoveAll(InstanceState.Running);
        await PassAsync(2 * Second);
        Assert.InRange((await ViewAsync(scaler)).BootTime, 39 * Second, 43 * Second);

        var instance = _fleet.Living[0].Id;
        Store.Set(ObjectKeys.Node(instance), WireJson.Write(new NodeRecord(
            instance, InstanceState.Running, 1, 5, new ModelIdentity("model", new string('0', 64)))));
        await PassAsync(6 * Second);
        Assert.Equal(0.2, (await ViewAsync(scaler)).ServiceTime.TotalSeconds, precision: 3);

        for (var i = 0; i < 40; i++)
        {
            for (var result = 0; result < 2; result++) scaler.Tell(new JobDone(instance));
            await PassAsync(Second);
        }

        Assert.Equal(0.5, (await ViewAsync(scaler)).ServiceTime.TotalSeconds, precision: 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_first_look_that_fails_costs_no_instance_of_an_earlier_web_tier(bool ofTheFleet)
    {
        await _fleet.LaunchAsync(2, "earlier", CancellationToken.None);
        foreach (var instance in _fleet.Living) Write(instance.Id, done: 1);
        // Only its record tells that a node works: the fleet does not say.
        await AdvanceAsync(1200 * Second, 60 * Second);
        if (ofTheFleet)
            _fleet.FailDescribes();
        else
            Store.FailNext(StoreCall.List);
        Upload(1);
        Start();
        await AdvanceUntilAsync(() => Store.CallsOf(StoreCall.List) >= 2, "the records were read", Second / 2);
        await SettleAsync();
        Assert.Empty(_fleet.Terminated);
    }

    private static ScalingSettings Latency => Settings with { Policy = PolicyKind.Latency };

    private void Write(InstanceId instance, int done) => Store.Set(ObjectKeys.Node(instance), WireJson.Write(
        new NodeRecord(instance, InstanceState.Running, done, null, new ModelIdentity("model", new string('0', 64)))));

    private void Upload(int pictures)
    {
        for (var i = 0; i < pictures; i++) Requests.Put("picture");
    }

    private IActorRef Start(ScalingSettings? settings = null)
    {
        var ofScaler = settings ?? Settings;
        return Sys.ActorOf(Props.Create(() => new ScalerActor(
            Requests, Store, _fleet, ofScaler.CreatePolicy(), ofScaler)));
    }

    private Task<FleetView> ViewAsync(IActorRef scaler) => AskAsync<FleetView>(scaler, GetFleet.Instance);

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, Second / 2);
}
