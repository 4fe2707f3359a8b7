using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
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
    public async Task Each_waiting_picture_gets_an_instance_up_to_the_cap(int pictures, int instances)
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
    public async Task Instances_not_reported_yet_count_as_capacity_and_against_the_cap()
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
    public async Task Draining_instances_count_against_the_cap_and_not_as_capacity()
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
    public async Task Pictures_in_flight_want_no_instance()
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
    public async Task Sent_work_is_observed_at_once()
    {
        var scaler = Start(Settings with { IdleInterval = TimeSpan.FromMinutes(5) });
        await PassAsync(10 * Second);
        Upload(2);
        scaler.Tell(new WorkSent(2));

        await UntilAsync(() => _fleet.Living.Count == 2, "instances were launched");
    }

    [Fact]
    public async Task Work_sent_during_an_observation_starts_another_one()
    {
        var scaler = Start(Settings with { IdleInterval = TimeSpan.FromMinutes(5) });
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "it looked");
        await SettleAsync();
        var looking = new TaskCompletionSource();
        Requests.Before = call => call == QueueCall.Measure ? looking.Task : Task.CompletedTask;
        scaler.Tell(new WorkSent(0));
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 2, "it looks");
        scaler.Tell(new WorkSent(2));
        await SettleAsync();
        looking.SetResult();
        await SettleAsync();
        await AdvanceUntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 3, "it looks again");
    }

    [Fact]
    public async Task Work_that_is_sent_in_many_calls_is_observed_at_most_ten_times_a_second()
    {
        var scaler = Start(Settings with { IdleInterval = TimeSpan.FromMinutes(5) });
        await UntilAsync(() => Requests.CallsOf(QueueCall.Measure) == 1, "it looked");
        await SettleAsync();
        for (var call = 0; call < 5; call++)
        {
            scaler.Tell(new WorkSent(0));
            await SettleAsync();
        }

        Assert.Equal(2, Requests.CallsOf(QueueCall.Measure));
        await AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.Equal(3, Requests.CallsOf(QueueCall.Measure));
    }

    [Fact]
    public async Task After_StopLaunching_it_launches_nothing()
    {
        var scaler = Start();
        scaler.Tell(StopLaunching.Instance);
        Upload(5);
        await PassAsync(20 * Second);

        Assert.Empty(_fleet.Launches);
        Assert.Equal(HoldCause.Stopping, (await ViewAsync(scaler)).Decisions[0].Hold);
    }

    [Fact]
    public async Task A_failed_launch_is_shown_and_retried_with_growing_pauses()
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
    public async Task An_unanswered_launch_is_repeated_with_its_client_token()
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
    public async Task An_unanswered_launch_is_repeated_with_its_count_although_more_is_wanted_now()
    {
        _fleet.FailLaunches();
        Upload(5);
        Start();
        await AdvanceUntilAsync(() => _fleet.Launches.Count == 1, "a launch was requested", Second / 2);
        Upload(5);
        await AdvanceUntilAsync(() => _fleet.Living.Count == 10, "all were launched", Second / 2);

        Assert.Equal([5, 5, 5], _fleet.Launches.Select(launch => launch.Count));
        Assert.Equal(_fleet.Launches[0].ClientToken, _fleet.Launches[1].ClientToken);
        Assert.NotEqual(_fleet.Launches[0].ClientToken, _fleet.Launches[2].ClientToken);
    }

    [Fact]
    public async Task An_unanswered_launch_is_given_up_after_the_launch_timeout()
    {
        _fleet.FailLaunches();
        Upload(5);
        Start(Settings with { MinBackoff = 10 * Second, MaxBackoff = 10 * Second, LaunchTimeout = 5 * Second });
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
        Assert.Equal(2, _fleet.Launches.Select(launch => launch.ClientToken).Distinct().Count());
    }

    [Fact]
    public async Task A_partial_launch_shows_its_reason_and_makes_launching_pause()
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
    public async Task Instances_that_end_together_before_their_first_poll_cause_one_pause()
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
    public async Task Repeated_failures_slow_launches_down_although_another_instance_runs()
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
    public async Task Launches_that_the_fleet_never_reports_are_given_up_and_repeated()
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
    public async Task While_observations_fail_it_launches_nothing_and_tries_again()
    {
        _fleet.FailDescribes(10);
        Upload(5);
        Start();
        await PassAsync(8 * Second);
        Assert.Empty(_fleet.Launches);

        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
    }

    [Fact]
    public async Task The_latency_policy_launches_once_within_two_seconds_of_an_upload()
    {
        var scaler = Start(Latency with { IdleInterval = TimeSpan.FromMinutes(5) });
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
    public async Task Sent_jobs_count_before_the_queues_counts_include_them()
    {
        var scaler = Start(Latency with { CountsLag = 60 * Second });
        await PassAsync(Second);
        scaler.Tell(new WorkSent(1000));
        await UntilAsync(() => _fleet.Living.Count == 3, "instances were launched");
    }

    [Fact]
    public async Task An_instance_that_does_not_come_up_is_terminated_and_replaced_after_a_pause()
    {
        Upload(1);
        var scaler = Start(Settings with { BootDeadline = 20 * Second });
        await AdvanceUntilAsync(() => _fleet.Living.Count == 1, "an instance was launched", Second / 2);
        var first = _fleet.Living[0].Id;
        await AdvanceUntilAsync(() => _fleet.Terminated.Count > 0, "it is terminated", Second / 2);
        Assert.Equal([first], _fleet.Terminated);
        await PassAsync(5 * Second);
        Assert.NotEqual(first, Assert.Single(_fleet.Living).Id);
        Assert.Contains((await ViewAsync(scaler)).Decisions, one => one.Hold == HoldCause.FailedLaunch);
    }

    [Fact]
    public async Task An_instance_whose_record_stops_changing_is_terminated()
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
        var shown = (await ViewAsync(scaler)).Instances.Single(instance => instance.Reported.Id == lively);
        Assert.InRange(shown.Record!.PicturesDone, 1, 12);
        Assert.NotNull(shown.LastSeenAt);
    }

    [Fact]
    public async Task A_silent_nodes_work_gets_a_new_instance_before_the_silent_one_is_terminated()
    {
        Upload(1);
        Start(Settings with { SilentAfter = 15 * Second });
        await PassAsync(10 * Second);
        _fleet.MoveAll(InstanceState.Running);
        Write(_fleet.Living[0].Id, 1);
        // The node is paused: its picture waits again after the lease expires, and its record does not change.
        await PassAsync(30 * Second);

        Assert.Equal([1, 1], _fleet.Launches.Select(launch => launch.Count));
        Assert.Empty(_fleet.Terminated);
    }

    [Fact]
    public async Task Unreadable_records_delay_no_launch_and_terminate_nothing()
    {
        Upload(5);
        FailRecords(times: 100);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
        _fleet.MoveAll(InstanceState.Running);
        await PassAsync(200 * Second);
        Assert.Empty(_fleet.Terminated);
    }

    [Fact]
    public async Task Slow_records_delay_no_launch_and_are_used_once_they_are_read()
    {
        var reading = new TaskCompletionSource();
        Store.Before = (call, prefix) =>
            call == StoreCall.List && prefix == ObjectKeys.Nodes ? reading.Task : Task.CompletedTask;
        var scaler = Start();
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
    public async Task A_record_read_that_fails_unexpectedly_is_repeated()
    {
        FailRecords(times: 3, new InvalidOperationException("A fault in the adapter."));
        Upload(5);
        Start();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "instances were launched", Second / 2);
    }

    [Fact]
    public async Task Records_of_ended_instances_are_deleted_once()
    {
        Write(InstanceId.Parse("i-gone"), done: 1);
        Start();
        await AdvanceAsync(TimeSpan.FromMinutes(20), 5 * Second);
        Assert.Equal(1, Store.CallsOf(StoreCall.Delete));
        Assert.DoesNotContain(ObjectKeys.Node(InstanceId.Parse("i-gone")), Store.Keys);
    }

    [Fact]
    public async Task A_decision_is_one_log_line_with_snapshot_outcome_and_reason()
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
    public async Task A_failing_observation_is_logged_once()
    {
        _fleet.FailDescribes(10);
        await EventFilter.Warning(start: "The scaler cannot see the queue or the fleet").ExpectAsync(1, async () =>
        {
            Start();
            await PassAsync(20 * Second);
        });
    }

    [Fact]
    public async Task Boot_time_and_service_time_come_from_all_their_sources()
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
            for (var result = 0; result < 2; result++) scaler.Tell(new JobsDone(instance, 1));
            // Jobs of a cancelled batch leave the queue much faster than others.
            scaler.Tell(new JobsDone(instance, 20) { NotBegun = 20 });
            await PassAsync(Second);
        }

        Assert.Equal(0.5, (await ViewAsync(scaler)).ServiceTime.TotalSeconds, precision: 1);
    }

    [Fact]
    public async Task The_view_has_the_figures_of_each_model()
    {
        var scaler = Start();
        await PassAsync(Second);
        var since = Time.GetUtcNow();
        var model = new ModelIdentity("model", new string('0', 64), 200);
        scaler.Tell(new JobsDone(InstanceId.Parse("node-1"), 5) { Model = model, Failed = 1, ConfidenceSum = 3 });
        scaler.Tell(new JobsDone(InstanceId.Parse("node-1"), 1) { Failed = 1 });
        await PassAsync(Second);
        scaler.Tell(new JobsDone(InstanceId.Parse("node-2"), 1) { Model = model, ConfidenceSum = 1 });
        Assert.Equal(
            new ModelFigures(model, since, Classified: 5, Failed: 1, ConfidenceSum: 4),
            Assert.Single((await ViewAsync(scaler)).Models));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failed_first_observation_terminates_no_inherited_instance(bool ofTheFleet)
    {
        await _fleet.LaunchAsync(2, "earlier", CancellationToken.None);
        foreach (var instance in _fleet.Living) Write(instance.Id, done: 1);
        // The fleet does not report that a node works. Only its record does.
        await AdvanceAsync(1200 * Second, 60 * Second);
        if (ofTheFleet)
            _fleet.FailDescribes();
        else
            FailRecords();
        Upload(1);
        Start();
        // One list is of the notes of launches.
        await AdvanceUntilAsync(() => Store.CallsOf(StoreCall.List) >= 3, "the records were read", Second / 2);
        await SettleAsync();
        Assert.Empty(_fleet.Terminated);
    }

    /// <summary>Makes the next reads of the nodes' records fail.</summary>
    private void FailRecords(int times = 1, Exception? failure = null) => Store.Before = (call, prefix) =>
        call == StoreCall.List && prefix == ObjectKeys.Nodes && times-- > 0
            ? Task.FromException(failure ?? new IOException("The test made the list fail."))
            : Task.CompletedTask;

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

    private Task<FleetStatus> ViewAsync(IActorRef scaler) => AskAsync<FleetStatus>(scaler, GetFleet.Instance);

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, Second / 2);
}
