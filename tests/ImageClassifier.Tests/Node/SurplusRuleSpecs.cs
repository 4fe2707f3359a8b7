using ImageClassifier.Node;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class SurplusRuleSpecs
{
    private const double FullSpeed = 2;

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private SurplusRule _rule = Rule();
    private DateTimeOffset _now = Start;
    private double _done;

    // Four nodes with a load of two thirds each have the work of 2.7 nodes, which is 0.89 of three.
    [Theory]
    [InlineData(4, 0.66, 3, 3)]
    [InlineData(4, 0.69, 3, null)]
    [InlineData(4, 0.66, 2, null)]
    [InlineData(2, 0.44, 1, 1)]
    [InlineData(2, 0.46, 1, null)]
    [InlineData(16, 0.02, 15, 1)]
    [InlineData(16, 0.02, 1, 1)]
    [InlineData(16, 0.0, 0, null)]
    [InlineData(30, 0.83, 28, 28)]
    [InlineData(1, 0.1, 0, null)]
    public void A_node_past_the_needed_number_ends(int nodes, double load, int place, int? needed)
    {
        Assert.Null(PassWindow(load, place, nodes));
        Assert.Equal(needed, PassWindow(load, place, nodes));
    }

    [Fact]
    public void Within_a_window_nothing_is_counted()
    {
        for (var second = 5; second < 300; second += 5)
            Assert.False(_rule.RecordPoll(failed: false, Work, Start.AddSeconds(second)));
        Assert.True(_rule.RecordPoll(failed: false, Work, Start.AddSeconds(300)));
        Assert.False(_rule.RecordPoll(failed: false, Work, Start.AddSeconds(305)));
    }

    [Fact]
    public void A_change_of_the_number_of_nodes_within_the_window_keeps_the_node()
    {
        PassWindow(0.1, 2, 3);
        Assert.Null(PassWindow(0.1, 2, 4));
        Assert.Null(PassWindow(0.1, 2, 3));
        Assert.Equal(1, PassWindow(0.1, 2, 3));
    }

    [Fact]
    public void Waiting_messages_keep_the_node()
    {
        PassWindow(0.1, 1, 2);
        Assert.Null(PassWindow(0.1, 1, 2, waiting: 1));
        Assert.Equal(1, PassWindow(0.1, 1, 2));
    }

    [Theory]
    [InlineData(0.44, 1)]
    [InlineData(0.46, null)]
    public void Without_a_full_speed_the_time_with_messages_in_hand_is_the_load(double share, int? needed)
    {
        for (var window = 1; window <= 2; window++)
        {
            _now += Window;
            Assert.True(_rule.RecordPoll(failed: false, new NodeWork(1000, null, window * share * Window), _now));
            Assert.Equal(window == 1 ? null : needed, _rule.RecordNodes(1, 2, 0, _now));
        }
    }

    // A queue that was away looks as if there were little work.
    [Fact]
    public void A_failed_poll_begins_anew()
    {
        PassWindow(0.1, 1, 2);
        _now += Window / 2;
        Assert.False(_rule.RecordPoll(failed: true, Work, _now));
        _now += Window / 2;
        Assert.False(_rule.RecordPoll(failed: false, Work, _now));
        _now -= Window / 2;
        Assert.Null(PassWindow(0.1, 1, 2));
        Assert.Equal(1, PassWindow(0.1, 1, 2));
    }

    // So does a process that was paused.
    [Fact]
    public void A_pause_begins_anew()
    {
        PassWindow(0.8, 1, 2);
        _now += 3 * Window;
        Assert.False(_rule.RecordPoll(failed: false, Work, _now));
        Assert.Null(PassWindow(0.1, 1, 2));
        Assert.Equal(1, PassWindow(0.1, 1, 2));
    }

    [Fact]
    public void The_minimum_lifetime_holds()
    {
        _rule = Rule(minLifetime: 3 * Window);
        PassWindow(0.1, 1, 2);
        Assert.Null(PassWindow(0.1, 1, 2));
        Assert.Equal(1, PassWindow(0.1, 1, 2));
    }

    [Fact]
    public void Nodes_that_stay_idle_for_longer_look_at_longer_windows()
    {
        _rule = Rule(maxEmptyPolls: 720);
        Assert.False(_rule.RecordPoll(failed: false, Work, Start.AddMinutes(59)));
        Assert.True(_rule.RecordPoll(failed: false, Work, Start.AddMinutes(60)));
    }

    private static SurplusRule Rule(int maxEmptyPolls = 3, TimeSpan minLifetime = default) =>
        new(new TerminationSettings(maxEmptyPolls, minLifetime, TimeSpan.FromDays(1)), Wait, Start);

    private NodeWork Work => new((long)_done, FullSpeed, TimeSpan.Zero);

    private int? PassWindow(double load, int place, int nodes, int waiting = 0)
    {
        _now += Window;
        _done += load * FullSpeed * Window.TotalSeconds;
        Assert.True(_rule.RecordPoll(failed: false, Work, _now));
        return _rule.RecordNodes(place, nodes, waiting, _now);
    }
}
