using ImageClassifier.Node.Records;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class SaturatedRateSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SaturatedRate _rate = new();
    private DateTimeOffset _now = Start;

    [Fact]
    public void The_rate_is_unknown_until_enough_jobs_were_counted()
    {
        _rate.RecordPoll(10, 10, _now);
        _rate.RecordPoll(10, 20, _now);
        for (var burst = 1; burst <= 2; burst++) Burst(seconds: 1);
        Assert.Null(_rate.PerSecond);

        Burst(seconds: 1);
        Assert.Equal(10, _rate.PerSecond!.Value, 6);
    }

    [Fact]
    public void Jobs_settled_with_few_in_hand_do_not_count()
    {
        _rate.RecordPoll(5, 5, _now);
        for (var i = 0; i < 100; i++)
        {
            Pass(0.5);
            _rate.RecordReleased(5, 5, _now);
            _rate.RecordPoll(5, 5, _now);
        }

        Assert.Null(_rate.PerSecond);
    }

    [Fact]
    public void Idle_time_between_loads_does_not_count()
    {
        for (var load = 0; load < 10; load++)
        {
            _rate.RecordPoll(10, 10, _now);
            _rate.RecordPoll(10, 20, _now);
            for (var burst = 0; burst < 3; burst++) Burst(seconds: 1, followedByPoll: burst < 2);
            Pass(1);
            _rate.RecordReleased(10, 10, _now);
            for (var poll = 0; poll < 5; poll++)
            {
                Pass(20);
                _rate.RecordPoll(0, 0, _now);
            }
        }

        Assert.Equal(10, _rate.PerSecond!.Value, 6);
    }

    [Fact]
    public void The_time_with_messages_in_hand_is_counted()
    {
        _rate.RecordPoll(2, 2, _now);
        Pass(3);
        _rate.RecordReleased(1, 1, _now);
        Pass(2);
        _rate.RecordReleased(1, 1, _now);
        Pass(20);
        _rate.RecordPoll(0, 0, _now);
        Pass(20);
        _rate.RecordPoll(1, 1, _now);
        Assert.Equal(TimeSpan.FromSeconds(5), _rate.InHandTime);

        Pass(1);
        _rate.RecordPoll(1, 2, _now);
        Assert.Equal(TimeSpan.FromSeconds(6), _rate.InHandTime);
    }

    [Fact]
    public void Handed_back_messages_do_not_count_as_done()
    {
        _rate.RecordPoll(10, 10, _now);
        _rate.RecordPoll(10, 20, _now);
        for (var i = 0; i < 20; i++)
        {
            Pass(1);
            _rate.RecordReleased(5, 10, _now);
            _rate.RecordPoll(10, 20, _now);
        }

        Assert.Equal(5, _rate.PerSecond!.Value, 6);
    }

    [Fact]
    public void A_burst_right_after_a_poll_does_not_raise_the_rate()
    {
        // Half a poll is in work for ten seconds. When it is settled, a full poll is in hand for a moment.
        for (var i = 0; i < 50; i++)
        {
            _rate.RecordPoll(5, 5, _now);
            Pass(10);
            _rate.RecordPoll(10, 15, _now);
            Pass(0.01);
            _rate.RecordReleased(5, 5, _now);
            Pass(0.01);
            _rate.RecordReleased(10, 10, _now);
        }

        Assert.True(_rate.PerSecond is null or < 2);
    }

    [Fact]
    public void The_first_jobs_settled_after_an_idle_time_do_not_raise_the_rate()
    {
        // Two bursts arrive at once when the node is busy again. Both hold work from before.
        for (var i = 0; i < 10; i++)
        {
            _rate.RecordPoll(9, 9, _now);
            Pass(10);
            _rate.RecordPoll(10, 19, _now);
            _rate.RecordPoll(10, 29, _now);
            for (var burst = 0; burst < 2; burst++)
            {
                Pass(0.01);
                _rate.RecordReleased(10, 10, _now);
            }

            _rate.RecordReleased(9, 9, _now);
        }

        Assert.Null(_rate.PerSecond);
    }

    [Fact]
    public void Recent_values_weigh_more()
    {
        _rate.RecordPoll(10, 10, _now);
        _rate.RecordPoll(10, 20, _now);
        for (var i = 0; i < 300; i++) Burst(seconds: 1);
        Assert.Equal(10, _rate.PerSecond!.Value, 6);

        for (var i = 0; i < 60; i++) Burst(seconds: 2);
        Assert.InRange(_rate.PerSecond.Value, 5, 6);
    }

    /// <summary>A node that does 20 jobs a second, one at a time, under a changing load. It settles ten at a time, or a
    /// second late.</summary>
    [Theory]
    [InlineData(20, 0.02, 1)]
    [InlineData(20, 0.1, 2)]
    [InlineData(20, 0.005, 3)]
    [InlineData(40, 0.02, 4)]
    [InlineData(40, 0.1, 5)]
    public void The_rate_is_close_to_the_real_rate_and_not_above_it(int maxInFlight, double pollSeconds, int seed)
    {
        const double JobSeconds = 0.05;
        const double Linger = 1;
        const double Step = 0.005;
        var random = new Random(seed);
        var (waiting, inHand, working, done) = (0, 0, 0, 0);
        var (workLeft, doneSince, pollEnds, nextArrival) = (JobSeconds, 0.0, double.NaN, 0.0);
        var rates = new List<double>();
        for (var second = 0.0; second < 1200; second += Step)
        {
            Pass(Step);
            if (second >= nextArrival)
            {
                waiting += random.Next(0, 120);
                nextArrival = second + (random.NextDouble() * 8);
            }

            if (double.IsNaN(pollEnds) && maxInFlight - inHand >= 10) pollEnds = second + pollSeconds;
            if (second >= pollEnds && (waiting > 0 || second >= pollEnds + 5))
            {
                var received = Math.Min(10, waiting);
                waiting -= received;
                working += received;
                inHand += received;
                pollEnds = double.NaN;
                _rate.RecordPoll(received, inHand, _now);
            }

            if (working > 0 && (workLeft -= Step) <= 0)
            {
                working--;
                workLeft += JobSeconds;
                if (done++ == 0) doneSince = second;
            }

            if (done >= 10 || (done > 0 && second - doneSince >= Linger))
            {
                var burst = Math.Min(10, done);
                done -= burst;
                doneSince = second;
                inHand -= burst;
                for (var job = 0; job < burst; job++) _rate.RecordReleased(1, 1, _now);
                if (_rate.PerSecond is { } rate) rates.Add(rate);
            }
        }

        Assert.NotEmpty(rates);
        Assert.InRange(rates.Max(), 1, 1.02 / JobSeconds);
        Assert.InRange(rates.Min(), 0.75 / JobSeconds, 1 / JobSeconds);
    }

    private void Burst(double seconds, bool followedByPoll = true)
    {
        Pass(seconds);
        for (var job = 0; job < 10; job++) _rate.RecordReleased(1, 1, _now);
        if (followedByPoll) _rate.RecordPoll(10, 20, _now);
    }

    private void Pass(double seconds) => _now += TimeSpan.FromSeconds(seconds);
}
