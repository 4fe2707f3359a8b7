using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class FleetTrackerSpecs
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly FleetLimits Limits = new(
        LaunchTimeout: 2 * Minute,
        BootDeadline: 5 * Minute,
        SilentAfter: 1.5 * Minute,
        SilenceLimit: 2 * Minute,
        MaxLifetime: 60 * Minute);
    private static readonly InstanceId One = InstanceId.Parse("one");
    private static readonly InstanceId Two = InstanceId.Parse("two");

    private readonly FleetTracker _tracker = new(Limits);

    [Fact]
    public void A_launch_counts_as_pending_before_and_after_the_fleet_reports_it()
    {
        _tracker.Launched([One, Two], Start);
        Assert.Equal(2, _tracker.Count.Pending);
        Update(Start, [Instance(One, InstanceState.Pending)]);
        Assert.Equal(2, _tracker.Count.Pending);
        Update(Start, [Instance(One, InstanceState.Pending), Instance(Two, InstanceState.Pending)]);
        Assert.Equal(2, _tracker.Count.Pending);
    }

    [Fact]
    public void A_launch_that_the_fleet_never_reports_fails_after_the_launch_timeout()
    {
        _tracker.Launched([One], Start);
        Assert.Empty(Update(Start + Limits.LaunchTimeout - TimeSpan.FromTicks(1)).Failed);
        Assert.Equal([One], FailedOf(Update(Start + Limits.LaunchTimeout)));
        Assert.Equal(0, _tracker.Count.Alive);
        Assert.Empty(Update(Start + (2 * Limits.LaunchTimeout)).Failed);
    }

    [Fact]
    public void Instances_of_an_earlier_scaler_count_as_booting_until_the_fleet_shows_them()
    {
        var earlier = new EarlierLaunch("token", 3, Start, []);
        Update(Start + Minute, [], null, earlier);
        Assert.Equal(new FleetCount(3, 0, 0), _tracker.Count);
        Assert.Equal([Minute, Minute, Minute], _tracker.BootsLeft(2 * Minute, Start + Minute));

        // The fleet has found two instances, and its report has only one of them.
        var found = earlier with { Found = [One, Two] };
        Update(Start + Minute, [Instance(One, InstanceState.Running, Start)], null, found);
        Assert.Equal(new FleetCount(2, 1, 0), _tracker.Count);
        Update(Start + Minute, [Instance(One, InstanceState.Ended, Start), Instance(Two, InstanceState.Pending)], null, found);
        Assert.Equal(new FleetCount(2, 0, 0), _tracker.Count);

        Update(Start + Minute, [Instance(Two, InstanceState.Pending)]);
        Assert.Equal(new FleetCount(1, 0, 0), _tracker.Count);
    }

    [Fact]
    public void An_instance_that_ends_before_its_first_poll_is_reported_as_failed_once()
    {
        Update(Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended, ranAt: Start)];
        Assert.Equal([One], FailedOf(Update(Start, fleet)));
        Assert.Empty(Update(Start, fleet).Failed);
    }

    [Fact]
    public void An_instance_that_ended_before_the_first_update_is_not_reported()
    {
        Assert.Empty(Update(Start, [Instance(One, InstanceState.Ended)]).Failed);
        Assert.Equal([Two], FailedOf(Update(
            Start, [Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended)])));
    }

    [Fact]
    public void A_short_life_that_ended_in_order_is_no_problem_and_no_failed_launch()
    {
        Update(Start, []);
        _tracker.Launched([One], Start);
        Update(Start, [Instance(One, InstanceState.Running)], [Scaling.StoredRecord(One, Start)]);
        Update(Start + Minute, [Instance(One, InstanceState.Running)], []);

        var ended = Instance(One, InstanceState.Ended) with { Problem = "The machine shut itself down soon." };
        var changes = Update(Start + Minute, [ended], []);

        Assert.Empty(changes.Problems);
        Assert.Empty(changes.Failed);
    }

    [Fact]
    public void An_instance_is_reported_as_up_once()
    {
        Assert.False(Update(Start, [Instance(One, InstanceState.Running, Start)]).AnyCameUp);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Assert.True(Update(Start, fleet).AnyCameUp);
        Assert.False(Update(Start, fleet).AnyCameUp);
    }

    [Fact]
    public void An_instance_that_ran_and_ended_between_two_updates_counts_as_up()
    {
        Update(Start);
        Assert.True(Update(Start, [Instance(One, InstanceState.Ended, Start)]).AnyCameUp);
    }

    [Fact]
    public void An_instance_first_seen_after_its_end_adds_no_boot_time()
    {
        Update(Start);
        _tracker.Launched([One], Start);
        Assert.Empty(Update(Start + Minute, [Instance(One, InstanceState.Ended, Start)]).BootTimes);
    }

    [Fact]
    public void Inherited_instances_are_not_terminated_before_the_records_are_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        var late = Start + (2 * Limits.BootDeadline);
        Assert.Empty(Update(late, fleet).ToTerminate);
        _tracker.RecordsUnreadable();
        Assert.Empty(Update(late, fleet).ToTerminate);
        var changes = Update(late, fleet, [Scaling.StoredRecord(One, Start)]);
        Assert.Equal([Two], changes.ToTerminate.Select(termination => termination.Instance));
    }

    [Fact]
    public void A_repeated_launch_does_not_reset_an_instance_that_the_fleet_reports()
    {
        Update(Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        _tracker.Launched([One], Start + Minute);
        Assert.Equal(new FleetCount(0, 1, 0), _tracker.Count);
        Assert.Empty(Update(Start + Minute, fleet, [Scaling.StoredRecord(One, Start + Minute)]).BootTimes);
    }

    [Fact]
    public void A_running_machine_counts_as_pending_until_its_node_gives_a_sign_of_life()
    {
        _tracker.Launched([One, Two], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        Assert.False(Update(Start, fleet).AnyCameUp);
        Assert.Equal(new FleetCount(2, 0, 0), _tracker.Count);

        var changes = Update(Start + Minute, fleet, [Scaling.StoredRecord(One, Start)]);
        Assert.True(changes.AnyCameUp);
        Assert.Equal([Minute], changes.BootTimes);
        Assert.Equal(new FleetCount(1, 1, 0), _tracker.Count);

        _tracker.JobDone(Two, Start + Minute);
        Update(Start + (2 * Minute), fleet);
        Assert.Equal(new FleetCount(0, 2, 0), _tracker.Count);
    }

    [Fact]
    public void A_running_machine_counts_as_draining_once_its_record_says_so()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start)]);
        Assert.Equal(new FleetCount(0, 2, 0), _tracker.Count);
        var drains = Scaling.StoredRecord(One, Start + Minute, state: InstanceState.Draining);
        Update(Start + Minute, fleet, [drains, Scaling.StoredRecord(Two, Start + Minute)]);
        Assert.Equal(new FleetCount(0, 1, 1), _tracker.Count);
    }

    [Fact]
    public void A_machine_that_ended_without_a_sign_of_life_is_a_failed_launch()
    {
        Update(Start);
        Update(Start, [Instance(One, InstanceState.Running)]);
        Assert.Equal([One], FailedOf(Update(Start, [Instance(One, InstanceState.Ended)])));
    }

    [Fact]
    public void The_boot_time_is_measured_by_the_fleets_clock_if_it_reports_the_first_poll()
    {
        _tracker.Launched([One], Start + (7 * Minute));
        var changes = Update(Start + (9 * Minute), [Instance(One, InstanceState.Running, Start + Minute)]);
        Assert.Equal([Minute], changes.BootTimes);
    }

    [Fact]
    public void The_remaining_boot_time_is_the_usual_boot_time_minus_the_age()
    {
        _tracker.Launched([One], Start);
        Assert.Equal([Minute], _tracker.BootsLeft(2 * Minute, Start + Minute));
        Assert.Equal([TimeSpan.Zero], _tracker.BootsLeft(2 * Minute, Start + (3 * Minute)));
    }

    [Fact]
    public void An_instance_that_is_not_up_by_the_boot_deadline_fails_and_is_terminated()
    {
        _tracker.Launched([One], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Pending)];
        Assert.Empty(Update(Start + Limits.BootDeadline - TimeSpan.FromTicks(1), fleet).ToTerminate);

        var changes = Update(Start + Limits.BootDeadline, fleet);
        Assert.Equal([new Termination(One, "it did not come up within 5 min")], changes.ToTerminate);
        Assert.Equal([One], FailedOf(changes));
        Assert.Equal(new FleetCount(0, 0, 1), _tracker.Count);
        Assert.Empty(Update(Start + Limits.BootDeadline, fleet).ToTerminate);
        Assert.Empty(Update(Start + Limits.BootDeadline, [Instance(One, InstanceState.Ended)]).Failed);
    }

    [Fact]
    public void A_termination_is_repeated_until_the_instance_ends()
    {
        _tracker.Launched([One], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Pending)];
        Update(Start + Limits.BootDeadline, fleet);
        Assert.Single(Update(Start + Limits.BootDeadline + Minute, fleet).ToTerminate);
    }

    [Fact]
    public void A_silent_instance_is_terminated()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start)]);
        Update(Start + Minute, fleet, [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start + Minute)]);
        var changes = Update(
            Start + (2 * Minute), fleet, [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start + Minute)]);
        Assert.Equal([new Termination(One, "it was silent for 2 min")], changes.ToTerminate);
        Assert.Empty(changes.Failed);
    }

    // The clocks of the node and of the store do not matter: only a change does.
    [Fact]
    public void Any_change_of_a_record_is_a_sign_of_life_whatever_its_timestamp()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        for (var minute = 0; minute < 10; minute++)
        {
            var written = DateTimeOffset.MaxValue - (minute * Minute);
            Assert.Empty(Update(Start + (minute * Minute), fleet, [Scaling.StoredRecord(One, written)]).ToTerminate);
        }
    }

    [Fact]
    public void A_result_is_a_sign_of_life()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        for (var minute = 0; minute < 10; minute++)
        {
            _tracker.JobDone(One, Start + (minute * Minute));
            Assert.Empty(Update(Start + (minute * Minute), fleet, []).ToTerminate);
        }
    }

    [Fact]
    public void No_instance_is_terminated_as_silent_while_records_cannot_be_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        _tracker.RecordsUnreadable();
        Assert.Empty(Update(Start + (5 * Minute), fleet).ToTerminate);
        Assert.Empty(Update(Start + (6 * Minute), fleet, [Scaling.StoredRecord(One, Start)]).ToTerminate);
        Assert.Single(Update(Start + (8 * Minute), fleet, [Scaling.StoredRecord(One, Start)]).ToTerminate);
    }

    [Fact]
    public void An_instance_beyond_its_maximum_lifetime_is_terminated()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Update(Start, fleet);
        Assert.Equal(
            [new Termination(One, "it is older than 60 min")], Update(Start + Limits.MaxLifetime, fleet).ToTerminate);
    }

    [Fact]
    public void Records_of_ended_instances_are_deleted_after_ten_minutes()
    {
        Update(Start, [], [Scaling.StoredRecord(One, Start)]);
        Assert.Empty(Update(Start + (9 * Minute), [], [Scaling.StoredRecord(One, Start)]).StaleRecords);
        Assert.Equal([One], Update(Start + (10 * Minute), [], [Scaling.StoredRecord(One, Start)]).StaleRecords);
        Assert.Empty(Update(Start + (11 * Minute), []).StaleRecords);
        // It could not be deleted.
        Assert.Empty(Update(Start + (12 * Minute), [], [Scaling.StoredRecord(One, Start)]).StaleRecords);
        Assert.Equal([One], Update(Start + (22 * Minute), [], [Scaling.StoredRecord(One, Start)]).StaleRecords);
    }

    [Fact]
    public void A_long_pause_of_the_scaler_makes_no_instance_silent()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        var awake = Start + (30 * Minute);
        Assert.Empty(Update(awake, fleet).ToTerminate);
        Assert.Empty(Update(awake + Minute, fleet, [Scaling.StoredRecord(One, Start)]).ToTerminate);
        Assert.Single(Update(awake + (2 * Minute), fleet, [Scaling.StoredRecord(One, Start)]).ToTerminate);
    }

    [Fact]
    public void The_boot_deadline_of_a_running_machine_stops_while_records_cannot_be_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        _tracker.Launched([One], Start);
        Update(Start, fleet, []);
        _tracker.RecordsUnreadable();
        Assert.Empty(Update(Start + (2 * Limits.BootDeadline), fleet).ToTerminate);
        var readable = Start + (2 * Limits.BootDeadline);
        for (var minute = 0; minute < Limits.BootDeadline.TotalMinutes; minute++)
            Assert.Empty(Update(readable + (minute * Minute), fleet, []).ToTerminate);
        Assert.Single(Update(readable + Limits.BootDeadline, fleet, []).ToTerminate);
    }

    [Fact]
    public void A_running_machine_counts_as_draining_once_its_node_deleted_its_record()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        Assert.Equal(new FleetCount(0, 1, 0), _tracker.Count);
        Update(Start, fleet, []);
        Update(Start, fleet);
        Assert.Equal(new FleetCount(0, 0, 1), _tracker.Count);
    }

    [Fact]
    public void An_instance_terminated_at_the_boot_deadline_does_not_count_as_up()
    {
        Update(Start);
        _tracker.Launched([One], Start);
        Update(Start + Limits.BootDeadline, [Instance(One, InstanceState.Pending)]);
        var changes = Update(Start + Limits.BootDeadline, [Instance(One, InstanceState.Ended, Start)]);
        Assert.False(changes.AnyCameUp);
        Assert.Empty(changes.BootTimes);
    }

    [Fact]
    public void A_node_that_reports_a_problem_at_its_start_fails_and_is_not_up()
    {
        Update(Start, nodes: []);
        _tracker.Launched([One], Start);
        var changes = Update(Start, [Instance(One, InstanceState.Ended)], [Problem(One, "model.onnx is missing")]);

        Assert.Equal([(One, "model.onnx is missing")], changes.Problems);
        Assert.Equal([new FailedInstance(One, "cannot work", CannotWork: true)], changes.Failed);
        Assert.False(changes.AnyCameUp);
        var later = Update(
            Start + Minute, [Instance(One, InstanceState.Ended)], [Problem(One, "model.onnx is missing")]);
        Assert.Empty(later.Problems);
        Assert.Empty(later.Failed);
    }

    [Fact]
    public void A_node_that_reports_a_problem_while_it_runs_fails_and_drains()
    {
        Update(Start, nodes: []);
        _tracker.Launched([One], Start);
        Update(Start, [Instance(One, InstanceState.Running, Start)], [StoredRecord(One, Start, "a")]);
        var changes = Update(
            Start + Minute,
            [Instance(One, InstanceState.Running, Start)],
            [Problem(One, "access denied", Start + Minute)]);

        Assert.Equal([One], FailedOf(changes));
        Assert.Equal(new FleetCount(0, 0, 1), _tracker.Count);
    }

    [Fact]
    public void A_problem_that_the_fleet_knows_is_reported_once_even_after_the_instance_ended()
    {
        Update(Start);
        var ended = Instance(One, InstanceState.Ended);
        Assert.Empty(Update(Start, [ended]).Problems);
        var explained = ended with { Problem = "The app node ended with exit code 2." };
        Assert.Equal([(One, explained.Problem!)], Update(Start, [explained]).Problems);
        Assert.Empty(Update(Start, [explained]).Problems);
    }

    [Fact]
    public void Problems_in_the_first_update_are_reported_but_are_no_failures()
    {
        var changes = Update(Start, [Instance(One, InstanceState.Ended)], [Problem(One, "access denied")]);
        Assert.Single(changes.Problems);
        Assert.Empty(changes.Failed);
        var later = Update(Start + Minute, [Instance(One, InstanceState.Ended)], [Problem(One, "access denied")]);
        Assert.Empty(later.Failed);
    }

    [Fact]
    public void Inherited_nodes_with_another_fingerprint_are_terminated_and_all_others_stay()
    {
        var tracker = new FleetTracker(Limits with { Fingerprint = "new" });
        var ours = InstanceId.Parse("ours");
        tracker.Launched([ours], Start);
        FleetInstance[] fleet =
        [
            Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start),
            Instance(ours, InstanceState.Running, Start),
        ];
        StoredNodeRecord[] nodes =
        [
            StoredRecord(One, Start, "old"), StoredRecord(Two, Start, "new"), StoredRecord(ours, Start, "odd"),
        ];
        var observation = new Observation(new QueueMeasure(0, 0), fleet, nodes, []);
        var changes = tracker.Update(observation, Start);

        var termination = Assert.Single(changes.ToTerminate);
        Assert.Equal((One, "it has another model or other settings"), (termination.Instance, termination.Reason));
        Assert.Equal(new FleetCount(0, 2, 1), tracker.Count);
        // If the instance does not end, the termination is repeated.
        Assert.Empty(tracker.Update(observation, Start + Minute / 6).ToTerminate);
        Assert.Single(tracker.Update(observation, Start + Minute).ToTerminate);
    }

    [Fact]
    public void Without_a_known_fingerprint_outdated_nodes_are_terminated_once_a_newer_node_has_worked()
    {
        FleetInstance[] fleet =
        [
            Instance(One, InstanceState.Running),
            Scaling.Instance(Two, InstanceState.Running, Start + Minute),
        ];
        StoredNodeRecord[] first = [StoredRecord(One, Start, "old", done: 9), StoredRecord(Two, Start, "new")];
        Assert.Empty(Update(Start + Minute, fleet, first).ToTerminate);
        var later = Start + Minute * 1.5;
        var changes = Update(
            later, fleet, [StoredRecord(One, Start, "old", done: 9), StoredRecord(Two, later, "new", done: 1)]);
        Assert.Equal(One, Assert.Single(changes.ToTerminate).Instance);
    }

    [Fact]
    public void A_node_silent_for_a_few_leases_counts_as_silent_until_its_next_sign_of_life()
    {
        FleetInstance[] fleet =
            [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start)]);
        var silentAt = Start + Limits.SilentAfter;
        Update(
            silentAt - TimeSpan.FromTicks(1), fleet,
            [Scaling.StoredRecord(One, Start), Scaling.StoredRecord(Two, Start)]);
        Assert.Equal(new FleetCount(0, 2, 0), _tracker.Count);

        Update(silentAt, fleet, [Scaling.StoredRecord(One, silentAt), Scaling.StoredRecord(Two, Start)]);
        Assert.Equal(new FleetCount(0, 1, 0, Silent: 1), _tracker.Count);
        // A silent instance can cost as much as a working one, so it counts against the cap.
        Assert.Equal((1, 2), (_tracker.Count.Usable, _tracker.Count.Alive));

        _tracker.JobDone(Two, silentAt);
        Assert.Equal(new FleetCount(0, 2, 0), _tracker.Count);
    }

    [Fact]
    public void No_node_counts_as_silent_while_records_cannot_be_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Update(Start, fleet, [Scaling.StoredRecord(One, Start)]);
        _tracker.RecordsUnreadable();
        Update(Start + Limits.SilentAfter, fleet);
        Assert.Equal(new FleetCount(0, 1, 0), _tracker.Count);
    }

    [Fact]
    public void Instances_of_an_earlier_web_tier_are_adopted()
    {
        Update(Start + Minute, [Instance(One, InstanceState.Pending), Instance(Two, InstanceState.Running, Start)]);
        Assert.Equal(new FleetCount(1, 1, 0), _tracker.Count);
        Assert.Equal([Minute], _tracker.BootsLeft(2 * Minute, Start + Minute));
    }

    private FleetChanges Update(
        DateTimeOffset now,
        IReadOnlyList<FleetInstance>? fleet = null,
        IReadOnlyList<StoredNodeRecord>? nodes = null,
        params EarlierLaunch[] launches) =>
        _tracker.Update(new Observation(new QueueMeasure(0, 0), fleet ?? [], nodes, launches), now);

    private static IEnumerable<InstanceId> FailedOf(FleetChanges changes) => changes.Failed.Select(failed => failed.Id);

    private static StoredNodeRecord StoredRecord(
        InstanceId id, DateTimeOffset lastModified, string fingerprint, long done = 0) =>
        new(id, lastModified, new NodeRecord(id, InstanceState.Running, done, null, null)
        {
            Fingerprint = fingerprint,
        });

    private static StoredNodeRecord Problem(InstanceId id, string reason, DateTimeOffset? lastModified = null) =>
        new(id, lastModified ?? Start, new NodeRecord(id, InstanceState.Ended, 0, null, null) { Problem = reason });

    private static FleetInstance Instance(InstanceId id, InstanceState state, DateTimeOffset? ranAt = null) =>
        Scaling.Instance(id, state, Start, ranAt);
}
