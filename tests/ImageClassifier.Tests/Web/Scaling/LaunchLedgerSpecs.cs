using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class LaunchLedgerSpecs
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);
    private static readonly InstanceId One = InstanceId.Parse("one");
    private static readonly InstanceId Two = InstanceId.Parse("two");

    private readonly LaunchLedger _ledger = new(Timeout);

    [Fact]
    public void A_launch_is_unseen_until_the_fleet_shows_it()
    {
        _ledger.Launched([One, Two], Start);
        Assert.Equal(2, _ledger.Unseen);
        _ledger.Reconcile([Instance(One, InstanceState.Pending)], Start);
        Assert.Equal(1, _ledger.Unseen);
        _ledger.Reconcile([Instance(One, InstanceState.Pending), Instance(Two, InstanceState.Pending)], Start);
        Assert.Equal(0, _ledger.Unseen);
    }

    [Fact]
    public void A_launch_that_is_never_shown_has_failed_once_its_time_is_over()
    {
        _ledger.Launched([One], Start);
        Assert.Empty(_ledger.Reconcile([], Start + Timeout - TimeSpan.FromTicks(1)).Failed);
        Assert.Equal([One], _ledger.Reconcile([], Start + Timeout).Failed);
        Assert.Equal(0, _ledger.Unseen);
        Assert.Empty(_ledger.Reconcile([], Start + (2 * Timeout)).Failed);
    }

    [Fact]
    public void An_instance_that_ends_before_its_first_poll_has_failed_and_is_reported_once()
    {
        _ledger.Reconcile([], Start);
        FleetInstance[] fleet = [Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended, ranAt: Start)];
        Assert.Equal([One], _ledger.Reconcile(fleet, Start).Failed);
        Assert.Empty(_ledger.Reconcile(fleet, Start).Failed);
    }

    [Fact]
    public void What_had_ended_before_the_first_look_is_no_news()
    {
        Assert.Empty(_ledger.Reconcile([Instance(One, InstanceState.Ended)], Start).Failed);
        Assert.Equal(
            [Two],
            _ledger.Reconcile([Instance(One, InstanceState.Ended), Instance(Two, InstanceState.Ended)], Start).Failed);
    }

    [Fact]
    public void An_instance_comes_up_once()
    {
        Assert.False(_ledger.Reconcile([Instance(One, InstanceState.Running, Start)], Start).AnyCameUp);
        FleetInstance[] fleet = [Instance(One, InstanceState.Running, Start), Instance(Two, InstanceState.Running, Start)];
        Assert.True(_ledger.Reconcile(fleet, Start).AnyCameUp);
        Assert.False(_ledger.Reconcile(fleet, Start).AnyCameUp);
    }

    [Fact]
    public void One_that_came_and_went_between_two_looks_had_come_up()
    {
        _ledger.Reconcile([], Start);
        Assert.True(_ledger.Reconcile([Instance(One, InstanceState.Ended, Start)], Start).AnyCameUp);
    }

    private static FleetInstance Instance(InstanceId id, InstanceState state, DateTimeOffset? ranAt = null) =>
        new(id, state, Start, ranAt, state == InstanceState.Ended ? Start : null);
}
