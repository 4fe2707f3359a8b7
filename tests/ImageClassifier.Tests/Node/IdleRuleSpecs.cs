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
    public void After_enough_empty_polls_it_measures_and_ends_if_nothing_waits()
    {
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.True(Empty());
        Assert.Equal(3, _rule.EmptyPolls);

        Assert.True(_rule.RecordMeasure(0, _now));
    }

    [Fact]
    public void A_poll_with_messages_resets_the_count()
    {
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.False(RecordPoll(received: 1));
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
        Assert.False(RecordPoll(received: 0, failed: true));
        Assert.Equal(2, _rule.EmptyPolls);
        Assert.True(Empty());
        Assert.False(RecordPoll(received: 0, failed: true));
    }

    [Fact]
    public void With_messages_in_hand_it_only_counts()
    {
        for (var i = 0; i < 5; i++) Assert.False(RecordPoll(received: 0, inHand: 1));

        Assert.Equal(5, _rule.EmptyPolls);
        Assert.True(Empty());
    }

    [Fact]
    public void Waiting_messages_of_blocked_groups_prevent_the_end()
    {
        // Another node has the first message of a group. Its second message waits, and no poll receives it.
        for (var round = 0; round < 100; round++)
        {
            Assert.False(Empty());
            Assert.False(Empty());
            Assert.True(Empty());
            Assert.False(_rule.RecordMeasure(1, _now));
            Assert.Equal(0, _rule.EmptyPolls);
        }

        for (var i = 0; i < 3; i++) Empty();
        Assert.True(_rule.RecordMeasure(0, _now));
    }

    [Fact]
    public void A_lagging_count_of_deleted_messages_costs_only_some_polls()
    {
        var polls = 0;
        int[] counts = [7, 7, 2, 0];
        foreach (var count in counts)
        {
            do polls++;
            while (!Empty());
            if (_rule.RecordMeasure(count, _now)) break;
        }

        Assert.Equal(12, polls);
    }

    [Fact]
    public void A_lagging_count_does_not_override_a_poll_with_messages()
    {
        for (var i = 0; i < 3; i++) Empty();
        RecordPoll(received: 1, inHand: 1);

        Assert.False(_rule.RecordMeasure(0, _now));
    }

    [Fact]
    public void Messages_received_during_the_measure_prevent_the_end_while_in_hand()
    {
        for (var i = 0; i < 3; i++) Empty();
        RecordPoll(received: 1, inHand: 1);
        for (var i = 0; i < 3; i++) RecordPoll(received: 0, inHand: 1);

        Assert.False(_rule.RecordMeasure(0, _now));
        Assert.True(Empty());
        Assert.True(_rule.RecordMeasure(0, _now));
    }

    [Fact]
    public void A_failed_measure_resets_the_count()
    {
        for (var i = 0; i < 3; i++) Empty();
        _rule.RecordMeasureFailure();

        Assert.Equal(0, _rule.EmptyPolls);
        Assert.False(Empty());
        Assert.False(Empty());
        Assert.True(Empty());
    }

    [Fact]
    public void Before_the_minimum_lifetime_it_counts_and_measures_at_the_first_empty_poll_after_it()
    {
        var rule = new IdleRule(new TerminationSettings(3, TimeSpan.FromSeconds(35), Never), Start);
        for (var second = 5; second < 35; second += 5)
            Assert.False(rule.RecordPoll(0, 0, failed: false, Start.AddSeconds(second)));
        Assert.Equal(6, rule.EmptyPolls);

        Assert.True(rule.RecordPoll(0, 0, failed: false, Start.AddSeconds(35)));
        Assert.True(rule.RecordMeasure(0, Start.AddSeconds(35)));
    }

    [Fact]
    public void The_minimum_lifetime_alone_ends_nothing()
    {
        var rule = new IdleRule(new TerminationSettings(3, TimeSpan.FromSeconds(35), Never), Start);

        Assert.False(rule.RecordPoll(0, 0, failed: false, Start.AddHours(1)));
        Assert.False(rule.RecordPoll(0, 0, failed: false, Start.AddHours(1)));
        Assert.True(rule.RecordPoll(0, 0, failed: false, Start.AddHours(1)));
    }

    private bool Empty() => RecordPoll(received: 0);

    private bool RecordPoll(int received, int inHand = 0, bool failed = false)
    {
        _now += TimeSpan.FromSeconds(5);
        return _rule.RecordPoll(received, inHand, failed, _now);
    }
}
