using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class FleetTruthSpecs
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly FleetLimits Limits = new(
        LaunchTimeout: 2 * Minute,
        BootDeadline: 5 * Minute,
        QuietAfter: 1.5 * Minute,
        SilenceLimit: 2 * Minute,
        MaxLifetime: 60 * Minute);
    private static readonly InstanceId One = InstanceId.Parse("one");
    private static readonly InstanceId Two = InstanceId.Parse("two");

    private readonly FleetTruth _truth = new(Limits);

    [Fact]
    public void A_launch_is_unseen_until_the_fleet_shows_it_and_counts_as_booting()
    {
        _truth.Launched([One, Two], Start);
        Assert.Equal((2, 2), (_truth.Unseen, _truth.Count.Pending));
        Look(Start, [Instance(One, InstanceState.Pending)]);
        Assert.Equal((1, 2), (_truth.Unseen, _truth.Count.Pending));
        Look(Start, [Instance(One, InstanceState.Pending), Instance(Two, InstanceState.Pending)]);
        Assert.Equal((0, 2), (_truth.Unseen, _truth.Count.Pending));
    }

    [Fact]
    public void A_launch_that_is_never_shown_has_failed_once_its_time_is_over()
    {
        _truth.Launched([One], Start);
        Assert.Empty(Look(Start + Limits.LaunchTimeout - TimeSpan.FromTicks(1)).Failed);
        Assert.Equal([One], FailedOf(Look(Start + Limits.LaunchTimeout)));
        Assert.Equal(0, _truth.Count.Alive);
        Assert.Empty(Look(Start + (2 * Limits.LaunchTimeout)).Failed);
    }

    [Fact]
    public void An_instance_that_ends_before_its_first_poll_has_failed_and_is_reported_once()
    {
        Look(Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended, ranAt: Start)];
        Assert.Equal([One], FailedOf(Look(Start, fleet)));
        Assert.Empty(Look(Start, fleet).Failed);
    }

    [Fact]
    public void What_had_ended_before_the_first_look_is_no_news()
    {
        Assert.Empty(Look(Start, [Instance(One, InstanceState.Ended)]).Failed);
        Assert.Equal([Two], FailedOf(Look(
            Start, [Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended)])));
    }

    [Fact]
    public void An_instance_comes_up_once()
    {
        Assert.False(Look(Start, [Instance(One, InstanceState.Running, Start)]).AnyCameUp);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Assert.True(Look(Start, fleet).AnyCameUp);
        Assert.False(Look(Start, fleet).AnyCameUp);
    }

    [Fact]
    public void One_that_came_and_went_between_two_looks_had_come_up()
    {
        Look(Start);
        Assert.True(Look(Start, [Instance(One, InstanceState.Ended, Start)]).AnyCameUp);
    }

    [Fact]
    public void What_ended_before_it_was_seen_says_nothing_of_the_boot_time()
    {
        Look(Start);
        _truth.Launched([One], Start);
        Assert.Empty(Look(Start + Minute, [Instance(One, InstanceState.Ended, Start)]).Boots);
    }

    [Fact]
    public void What_an_earlier_web_tier_launched_is_not_judged_before_the_records_were_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        var late = Start + (2 * Limits.BootDeadline);
        Assert.Empty(Look(late, fleet).ToEnd);
        _truth.RecordsUnreadable();
        Assert.Empty(Look(late, fleet).ToEnd);
        Assert.Equal([Two], Look(late, fleet, [Scaling.Sighting(One, Start)]).ToEnd.Select(ending => ending.Instance));
    }

    [Fact]
    public void A_launch_asked_for_again_changes_nothing_about_what_the_fleet_has_shown_of_it()
    {
        Look(Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        _truth.Launched([One], Start + Minute);
        Assert.Equal(new FleetCount(0, 1, 0), _truth.Count);
        Assert.Empty(Look(Start + Minute, fleet, [Scaling.Sighting(One, Start + Minute)]).Boots);
    }

    [Fact]
    public void A_machine_that_runs_boots_until_its_node_was_heard_of()
    {
        _truth.Launched([One, Two], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        Assert.False(Look(Start, fleet).AnyCameUp);
        Assert.Equal(new FleetCount(2, 0, 0), _truth.Count);

        var news = Look(Start + Minute, fleet, [Scaling.Sighting(One, Start)]);
        Assert.True(news.AnyCameUp);
        Assert.Equal([Minute], news.Boots);
        Assert.Equal(new FleetCount(1, 1, 0), _truth.Count);

        _truth.JobDone(Two, Start + Minute);
        Look(Start + (2 * Minute), fleet);
        Assert.Equal(new FleetCount(0, 2, 0), _truth.Count);
    }

    [Fact]
    public void A_machine_that_runs_does_no_more_work_once_its_node_said_that_it_drains()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running), Instance(Two, InstanceState.Running)];
        Look(Start, fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start)]);
        Assert.Equal(new FleetCount(0, 2, 0), _truth.Count);
        var drains = Scaling.Sighting(One, Start + Minute, state: InstanceState.Draining);
        Look(Start + Minute, fleet, [drains, Scaling.Sighting(Two, Start + Minute)]);
        Assert.Equal(new FleetCount(0, 1, 1), _truth.Count);
    }

    [Fact]
    public void A_machine_that_ran_and_ended_unheard_of_is_a_failed_launch()
    {
        Look(Start);
        Look(Start, [Instance(One, InstanceState.Running)]);
        Assert.Equal([One], FailedOf(Look(Start, [Instance(One, InstanceState.Ended)])));
    }

    [Fact]
    public void Where_the_fleet_knows_the_first_poll_the_boot_is_measured_by_its_clock()
    {
        _truth.Launched([One], Start + (7 * Minute));
        var news = Look(Start + (9 * Minute), [Instance(One, InstanceState.Running, Start + Minute)]);
        Assert.Equal([Minute], news.Boots);
    }

    [Fact]
    public void A_booting_instance_has_left_what_others_took()
    {
        _truth.Launched([One], Start);
        Assert.Equal([Minute], _truth.BootsLeft(2 * Minute, Start + Minute));
        Assert.Equal([TimeSpan.Zero], _truth.BootsLeft(2 * Minute, Start + (3 * Minute)));
    }

    [Fact]
    public void What_does_not_come_up_in_time_is_ended_and_has_failed()
    {
        _truth.Launched([One], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Pending)];
        Assert.Empty(Look(Start + Limits.BootDeadline - TimeSpan.FromTicks(1), fleet).ToEnd);

        var news = Look(Start + Limits.BootDeadline, fleet);
        Assert.Equal([new Ending(One, "it did not come up within 5 min")], news.ToEnd);
        Assert.Equal([One], FailedOf(news));
        Assert.Equal(new FleetCount(0, 0, 1), _truth.Count);
        Assert.Empty(Look(Start + Limits.BootDeadline, fleet).ToEnd);
        Assert.Empty(Look(Start + Limits.BootDeadline, [Instance(One, InstanceState.Ended)]).Failed);
    }

    [Fact]
    public void What_does_not_end_is_asked_again()
    {
        _truth.Launched([One], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Pending)];
        Look(Start + Limits.BootDeadline, fleet);
        Assert.Single(Look(Start + Limits.BootDeadline + Minute, fleet).ToEnd);
    }

    [Fact]
    public void What_went_silent_is_ended()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Look(Start, fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start)]);
        Look(Start + Minute, fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start + Minute)]);
        var news = Look(
            Start + (2 * Minute), fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start + Minute)]);
        Assert.Equal([new Ending(One, "nothing was heard of it for 2 min")], news.ToEnd);
        Assert.Empty(news.Failed);
    }

    // Whatever the node's or the store's clock says, it is change that is heard.
    [Fact]
    public void A_record_of_any_age_is_a_sign_of_life_when_it_changes()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        for (var minute = 0; minute < 10; minute++)
        {
            var written = DateTimeOffset.MaxValue - (minute * Minute);
            Assert.Empty(Look(Start + (minute * Minute), fleet, [Scaling.Sighting(One, written)]).ToEnd);
        }
    }

    [Fact]
    public void Results_are_signs_of_life()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        for (var minute = 0; minute < 10; minute++)
        {
            _truth.JobDone(One, Start + (minute * Minute));
            Assert.Empty(Look(Start + (minute * Minute), fleet, []).ToEnd);
        }
    }

    [Fact]
    public void While_records_cannot_be_read_no_one_is_silent()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        _truth.RecordsUnreadable();
        Assert.Empty(Look(Start + (5 * Minute), fleet).ToEnd);
        Assert.Empty(Look(Start + (6 * Minute), fleet, [Scaling.Sighting(One, Start)]).ToEnd);
        Assert.Single(Look(Start + (8 * Minute), fleet, [Scaling.Sighting(One, Start)]).ToEnd);
    }

    [Fact]
    public void What_is_too_old_is_ended()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Look(Start, fleet);
        Assert.Equal([new Ending(One, "it is older than 60 min")], Look(Start + Limits.MaxLifetime, fleet).ToEnd);
    }

    [Fact]
    public void Records_that_no_one_writes_any_more_go()
    {
        Look(Start, [], [Scaling.Sighting(One, Start)]);
        Assert.Empty(Look(Start + (9 * Minute), [], [Scaling.Sighting(One, Start)]).StaleRecords);
        Assert.Equal([One], Look(Start + (10 * Minute), [], [Scaling.Sighting(One, Start)]).StaleRecords);
        Assert.Empty(Look(Start + (11 * Minute), []).StaleRecords);
        // It could not be deleted.
        Assert.Empty(Look(Start + (12 * Minute), [], [Scaling.Sighting(One, Start)]).StaleRecords);
        Assert.Equal([One], Look(Start + (22 * Minute), [], [Scaling.Sighting(One, Start)]).StaleRecords);
    }

    [Fact]
    public void Who_did_not_look_for_long_takes_no_one_for_silent()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        var awake = Start + (30 * Minute);
        Assert.Empty(Look(awake, fleet).ToEnd);
        Assert.Empty(Look(awake + Minute, fleet, [Scaling.Sighting(One, Start)]).ToEnd);
        Assert.Single(Look(awake + (2 * Minute), fleet, [Scaling.Sighting(One, Start)]).ToEnd);
    }

    [Fact]
    public void A_machine_that_runs_is_not_judged_by_its_boot_while_its_record_cannot_be_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        _truth.Launched([One], Start);
        Look(Start, fleet, []);
        _truth.RecordsUnreadable();
        Assert.Empty(Look(Start + (2 * Limits.BootDeadline), fleet).ToEnd);
        var readable = Start + (2 * Limits.BootDeadline);
        for (var minute = 0; minute < Limits.BootDeadline.TotalMinutes; minute++)
            Assert.Empty(Look(readable + (minute * Minute), fleet, []).ToEnd);
        Assert.Single(Look(readable + Limits.BootDeadline, fleet, []).ToEnd);
    }

    [Fact]
    public void A_machine_whose_node_has_taken_its_record_back_does_no_more_work()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running)];
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        Assert.Equal(new FleetCount(0, 1, 0), _truth.Count);
        Look(Start, fleet, []);
        Look(Start, fleet);
        Assert.Equal(new FleetCount(0, 0, 1), _truth.Count);
    }

    [Fact]
    public void One_that_was_ended_because_it_never_came_up_has_not_come_up_by_that()
    {
        Look(Start);
        _truth.Launched([One], Start);
        Look(Start + Limits.BootDeadline, [Instance(One, InstanceState.Pending)]);
        var news = Look(Start + Limits.BootDeadline, [Instance(One, InstanceState.Ended, Start)]);
        Assert.False(news.AnyCameUp);
        Assert.Empty(news.Boots);
    }

    [Fact]
    public void A_node_that_died_at_its_start_and_left_why_has_failed_and_did_not_come_up()
    {
        Look(Start, nodes: []);
        _truth.Launched([One], Start);
        var news = Look(Start, [Instance(One, InstanceState.Ended)], [Problem(One, "model.onnx is missing")]);

        Assert.Equal([(One, "model.onnx is missing")], news.Problems);
        Assert.Equal([new FailedInstance(One, "cannot work", IsUnfit: true)], news.Failed);
        Assert.False(news.AnyCameUp);
        var later = Look(Start + Minute, [Instance(One, InstanceState.Ended)], [Problem(One, "model.onnx is missing")]);
        Assert.Empty(later.Problems);
        Assert.Empty(later.Failed);
    }

    [Fact]
    public void A_node_that_came_up_and_cannot_work_has_failed_and_counts_as_gone()
    {
        Look(Start, nodes: []);
        _truth.Launched([One], Start);
        Look(Start, [Instance(One, InstanceState.Running, Start)], [Sighting(One, Start, "a")]);
        var news = Look(
            Start + Minute,
            [Instance(One, InstanceState.Running, Start)],
            [Problem(One, "access denied", Start + Minute)]);

        Assert.Equal([One], FailedOf(news));
        Assert.Equal(new FleetCount(0, 0, 1), _truth.Count);
    }

    [Fact]
    public void What_the_fleet_knows_of_a_problem_is_told_once_also_when_it_comes_after_the_end()
    {
        Look(Start);
        var ended = Instance(One, InstanceState.Ended);
        Assert.Empty(Look(Start, [ended]).Problems);
        var explained = ended with { Problem = "The app node ended with exit code 2." };
        Assert.Equal([(One, explained.Problem!)], Look(Start, [explained]).Problems);
        Assert.Empty(Look(Start, [explained]).Problems);
    }

    [Fact]
    public void A_short_life_that_ended_in_order_is_no_problem_and_no_failed_launch()
    {
        Look(Start, nodes: []);
        _truth.Launched([One], Start);
        Look(Start, [Instance(One, InstanceState.Running)], [Scaling.Sighting(One, Start)]);
        Look(Start + Minute, [Instance(One, InstanceState.Running)], nodes: []);

        var ended = Instance(One, InstanceState.Ended) with { Problem = "The machine shut itself down soon." };
        var news = Look(Start + Minute, [ended], nodes: []);

        Assert.Empty(news.Problems);
        Assert.Empty(news.Failed);
    }

    [Fact]
    public void Problems_from_before_the_first_look_are_told_and_are_no_failure()
    {
        var news = Look(Start, [Instance(One, InstanceState.Ended)], [Problem(One, "access denied")]);
        Assert.Single(news.Problems);
        Assert.Empty(news.Failed);
        var later = Look(Start + Minute, [Instance(One, InstanceState.Ended)], [Problem(One, "access denied")]);
        Assert.Empty(later.Failed);
    }

    [Fact]
    public void Nodes_of_an_earlier_web_tier_with_other_settings_are_ended_and_its_own_and_equal_ones_stay()
    {
        var truth = new FleetTruth(Limits with { Fingerprint = "new" });
        var ours = InstanceId.Parse("ours");
        truth.Launched([ours], Start);
        FleetInstance[] fleet =
        [
            Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start),
            Instance(ours, InstanceState.Running, Start),
        ];
        NodeSighting[] nodes = [Sighting(One, Start, "old"), Sighting(Two, Start, "new"), Sighting(ours, Start, "odd")];
        var news = truth.Look(new Observation(new QueueMeasure(0, 0), fleet, nodes), Start);

        var ending = Assert.Single(news.ToEnd);
        Assert.Equal((One, "it has another model or other settings"), (ending.Instance, ending.Reason));
        Assert.Equal(new FleetCount(0, 2, 1), truth.Count);
        // Asked again where it does not heed.
        Assert.Empty(truth.Look(new Observation(new QueueMeasure(0, 0), fleet, nodes), Start + Minute / 6).ToEnd);
        Assert.Single(truth.Look(new Observation(new QueueMeasure(0, 0), fleet, nodes), Start + Minute).ToEnd);
    }

    [Fact]
    public void Where_the_web_tier_cannot_know_older_nodes_make_room_once_a_newer_one_with_other_settings_has_worked()
    {
        FleetInstance[] fleet =
        [
            Instance(One, InstanceState.Running),
            Scaling.Instance(Two, InstanceState.Running, Start + Minute),
        ];
        NodeSighting[] first = [Sighting(One, Start, "old", done: 9), Sighting(Two, Start, "new")];
        Assert.Empty(Look(Start + Minute, fleet, first).ToEnd);
        var later = Start + Minute * 1.5;
        var news = Look(later, fleet, [Sighting(One, Start, "old", done: 9), Sighting(Two, later, "new", done: 1)]);
        Assert.Equal(One, Assert.Single(news.ToEnd).Instance);
    }

    [Fact]
    public void A_node_that_is_silent_for_a_few_leases_is_no_capacity_until_it_is_heard_of_again()
    {
        FleetInstance[] fleet =
            [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Look(Start, fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start)]);
        var quiet = Start + Limits.QuietAfter;
        Look(quiet - TimeSpan.FromTicks(1), fleet, [Scaling.Sighting(One, Start), Scaling.Sighting(Two, Start)]);
        Assert.Equal(new FleetCount(0, 2, 0), _truth.Count);

        Look(quiet, fleet, [Scaling.Sighting(One, quiet), Scaling.Sighting(Two, Start)]);
        Assert.Equal(new FleetCount(0, 1, 0, Silent: 1), _truth.Count);
        // It may cost as much as one that works.
        Assert.Equal((1, 2), (_truth.Count.Usable, _truth.Count.Alive));

        _truth.JobDone(Two, quiet);
        Assert.Equal(new FleetCount(0, 2, 0), _truth.Count);
    }

    [Fact]
    public void No_node_is_silent_while_records_cannot_be_read()
    {
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start)];
        Look(Start, fleet, [Scaling.Sighting(One, Start)]);
        _truth.RecordsUnreadable();
        Look(Start + Limits.QuietAfter, fleet);
        Assert.Equal(new FleetCount(0, 1, 0), _truth.Count);
    }

    [Fact]
    public void What_an_earlier_life_launched_is_adopted()
    {
        Look(Start + Minute, [Instance(One, InstanceState.Pending), Instance(Two, InstanceState.Running, Start)]);
        Assert.Equal(new FleetCount(1, 1, 0), _truth.Count);
        Assert.Equal([Minute], _truth.BootsLeft(2 * Minute, Start + Minute));
    }

    private FleetNews Look(
        DateTimeOffset now, IReadOnlyList<FleetInstance>? fleet = null, IReadOnlyList<NodeSighting>? nodes = null) =>
        _truth.Look(new Observation(new QueueMeasure(0, 0), fleet ?? [], nodes), now);

    private static IEnumerable<InstanceId> FailedOf(FleetNews news) => news.Failed.Select(failed => failed.Id);

    private static NodeSighting Sighting(
        InstanceId id, DateTimeOffset lastModified, string fingerprint, long done = 0) =>
        new(id, lastModified, new NodeRecord(id, InstanceState.Running, done, null, null)
        {
            Fingerprint = fingerprint,
        });

    private static NodeSighting Problem(InstanceId id, string reason, DateTimeOffset? lastModified = null) =>
        new(id, lastModified ?? Start, new NodeRecord(id, InstanceState.Ended, 0, null, null) { Problem = reason });

    private static FleetInstance Instance(InstanceId id, InstanceState state, DateTimeOffset? ranAt = null) =>
        Scaling.Instance(id, state, Start, ranAt);
}
