using ImageClassifier.Web.Scaling;
using Xunit;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class DecisionLogSpecs
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly DecisionLog _log = new(kept: 3);
    private int _second;

    [Theory]
    [InlineData(DecisionOutcome.Idle, null)]
    [InlineData(DecisionOutcome.Enough, null)]
    [InlineData(DecisionOutcome.Held, HoldCause.Cap)]
    public void An_equal_decision_is_merged_and_shows_the_last_snapshot(DecisionOutcome outcome, HoldCause? hold)
    {
        Assert.True(Add(outcome, hold, "first"));
        Assert.False(Add(outcome, hold, "second"));
        Assert.False(Add(outcome, hold, "third"));

        var only = Assert.Single(_log.Newest);
        Assert.Equal(Start.AddSeconds(1), only.At);
        Assert.Equal(Start.AddSeconds(3), only.Until);
        Assert.Equal("third", only.Reason);
    }

    [Fact]
    public void Each_launch_is_a_new_entry()
    {
        Assert.True(Add(DecisionOutcome.Launched));
        Assert.True(Add(DecisionOutcome.Launched));
        Assert.Equal(2, _log.Newest.Count);
    }

    [Fact]
    public void Enough_right_after_a_launch_is_merged_into_it()
    {
        Add(DecisionOutcome.Launched, reason: "launched");
        Assert.False(Add(DecisionOutcome.Enough));

        var only = Assert.Single(_log.Newest);
        Assert.Equal("launched", only.Reason);
        Assert.Equal(Start.AddSeconds(2), only.Until);
    }

    [Fact]
    public void Another_hold_cause_is_a_new_entry()
    {
        Add(DecisionOutcome.Held, HoldCause.LaunchesUnknown);
        Assert.True(Add(DecisionOutcome.Held, HoldCause.FailedLaunch));
        Assert.True(Add(DecisionOutcome.Held, HoldCause.Cap));
        Assert.Equal([HoldCause.Cap, HoldCause.FailedLaunch, HoldCause.LaunchesUnknown], _log.Newest.Select(one => one.Hold));
    }

    [Fact]
    public void Only_the_newest_decisions_are_kept()
    {
        foreach (var reason in (string[])["1", "2", "3", "4", "5"]) Add(DecisionOutcome.Launched, reason: reason);
        Assert.Equal(["5", "4", "3"], _log.Newest.Select(one => one.Reason));
    }

    private bool Add(DecisionOutcome outcome, HoldCause? hold = null, string reason = "")
    {
        var at = Start.AddSeconds(++_second);
        return _log.Add(new DecisionRecord(
            at, at, outcome, hold, Scaling.Snapshot(waiting: _second), 1, 0, reason));
    }
}
