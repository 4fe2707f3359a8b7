using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class LaterResultsSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(16);

    private readonly LaterResults _later = new(Patience);

    [Fact]
    public void What_came_back_long_ago_has_overtaken_what_was_sent_before()
    {
        Assert.Null(_later.OvertakenBefore(At(0)));
        _later.Add(At(1), At(5));
        Assert.Null(_later.OvertakenBefore(At(5) + Patience));
        Assert.Equal(At(1), _later.OvertakenBefore(At(6) + Patience));
        Assert.Equal(At(1), _later.OvertakenBefore(At(90)));
    }

    [Fact]
    public void What_was_accepted_earlier_overtakes_nothing_however_late_it_comes()
    {
        _later.Add(At(4), At(5));
        _later.Add(At(3), At(20));
        Assert.Equal(At(4), _later.OvertakenBefore(At(90)));
    }

    [Fact]
    public void Under_steady_load_the_limit_follows_and_is_never_too_young()
    {
        for (var second = 0; second < 7200; second++)
        {
            var now = At(0).AddSeconds(second);
            _later.Add(now.AddSeconds(-10), now);
            if (_later.OvertakenBefore(now) is not { } overtaken)
            {
                Assert.True(now < At(17) + TimeSpan.FromSeconds(1));
                continue;
            }

            Assert.InRange(now - overtaken, Patience, Patience + TimeSpan.FromMinutes(2));
        }
    }

    private static DateTimeOffset At(int minute) => DateTimeOffset.UnixEpoch.AddMinutes(minute);
}
