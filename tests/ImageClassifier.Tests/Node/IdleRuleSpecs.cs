using ImageClassifier.Node;
using ImageClassifier.Node.Termination;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class IdleRuleSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan Never = TimeSpan.FromDays(1);

    private readonly IdleRule _rule = new(new TerminationSettings(3, TimeSpan.Zero, Never), Start);
    private DateTimeOffset _now = Start;

    [Fact]
    public void After_enough_empty_polls_it_measures_and_where_nothing_waits_it_ends()
    {
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.True(Empty());
        Assert.Equal(3, _rule.EmptyPolls);

        Assert.True(_rule.Measured(0, _now));
    }

    [Fact]
    public void A_poll_that_brings_something_counts_from_zero()
    {
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.False(Polled(received: 1));
        Assert.Equal(0, _rule.EmptyPolls);

        Assert.False(Empty());
        Assert.False(Empty());
        Assert.True(Empty());
    }

    [Fact]
    public void A_failed_poll_neither_counts_nor_interrupts()
    {
        Empty();
        Empty();
        Assert.False(Polled(received: 0, failed: true));
        Assert.Equal(2, _rule.EmptyPolls);
        Assert.True(Empty());
        Assert.False(Polled(received: 0, failed: true));
    }

    [Fact]
    public void With_something_in_hand_it_only_counts()
    {
        for (var i = 0; i < 5; i++) Assert.False(Polled(received: 0, inHand: 1));

        Assert.Equal(5, _rule.EmptyPolls);
        Assert.True(Empty());
    }

    [Fact]
    public void Blocked_groups_that_wait_keep_it_for_as_long_as_they_wait()
    {
        // A group whose first message someone else has: its second one waits, and no poll brings it.
        for (var round = 0; round < 100; round++)
        {
            Assert.False(Empty());
            Assert.False(Empty());
            Assert.True(Empty());
            Assert.False(_rule.Measured(1, _now));
            Assert.Equal(0, _rule.EmptyPolls);
        }

        for (var i = 0; i < 3; i++) Empty();
        Assert.True(_rule.Measured(0, _now));
    }

    [Fact]
    public void A_count_that_lags_behind_what_is_gone_costs_only_some_more_polls()
    {
        var polls = 0;
        int[] counts = [7, 7, 2, 0];
        foreach (var count in counts)
        {
            do polls++;
            while (!Empty());
            if (_rule.Measured(count, _now)) break;
        }

        Assert.Equal(12, polls);
    }

    [Fact]
    public void A_count_that_lags_behind_what_has_come_does_not_outvote_a_poll_that_brought_it()
    {
        for (var i = 0; i < 3; i++) Empty();
        Polled(received: 1, inHand: 1);

        Assert.False(_rule.Measured(0, _now));
    }

    [Fact]
    public void What_came_while_measuring_and_is_still_in_hand_keeps_it_however_many_empty_polls_followed()
    {
        for (var i = 0; i < 3; i++) Empty();
        Polled(received: 1, inHand: 1);
        for (var i = 0; i < 3; i++) Polled(received: 0, inHand: 1);

        Assert.False(_rule.Measured(0, _now));
        Assert.True(Empty());
        Assert.True(_rule.Measured(0, _now));
    }

    [Fact]
    public void Where_the_queue_cannot_be_measured_it_counts_from_zero()
    {
        for (var i = 0; i < 3; i++) Empty();
        _rule.NotMeasured();

        Assert.Equal(0, _rule.EmptyPolls);
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.True(Empty());
    }

    [Fact]
    public void Before_the_least_lifetime_is_over_it_counts_on_and_measures_at_the_first_empty_poll_after()
    {
        var rule = new IdleRule(new TerminationSettings(3, TimeSpan.FromSeconds(35), Never), Start);
        for (var second = 5; second < 35; second += 5)
            Assert.False(rule.Polled(0, 0, failed: false, Start.AddSeconds(second)));
        Assert.Equal(6, rule.EmptyPolls);

        Assert.True(rule.Polled(0, 0, failed: false, Start.AddSeconds(35)));
        Assert.True(rule.Measured(0, Start.AddSeconds(35)));
    }

    [Fact]
    public void A_lifetime_that_is_over_alone_ends_nothing()
    {
        var rule = new IdleRule(new TerminationSettings(3, TimeSpan.FromSeconds(35), Never), Start);

        Assert.False(rule.Polled(0, 0, failed: false, Start.AddHours(1)));
        Assert.False(rule.Polled(0, 0, failed: false, Start.AddHours(1)));
        Assert.True(rule.Polled(0, 0, failed: false, Start.AddHours(1)));
    }

    private bool Empty() => Polled(received: 0);

    private bool Polled(int received, int inHand = 0, bool failed = false)
    {
        _now += TimeSpan.FromSeconds(5);
        return _rule.Polled(received, inHand, failed, _now);
    }
}
