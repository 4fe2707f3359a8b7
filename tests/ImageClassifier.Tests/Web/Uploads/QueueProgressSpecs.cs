using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class QueueProgressSpecs
{
    private static readonly TimeSpan MinAge = TimeSpan.FromMinutes(16);

    private readonly QueueProgress _progress = new(MinAge);

    [Fact]
    public void Older_messages_are_delivered_once_a_later_result_is_old_enough()
    {
        Assert.Null(_progress.DeliveredBefore(At(0)));
        _progress.Add(At(1), At(5));
        Assert.Null(_progress.DeliveredBefore(At(5) + MinAge));
        Assert.Equal(At(1), _progress.DeliveredBefore(At(6) + MinAge));
        Assert.Equal(At(1), _progress.DeliveredBefore(At(90)));
    }

    [Fact]
    public void A_late_result_of_an_earlier_job_changes_nothing()
    {
        _progress.Add(At(4), At(5));
        _progress.Add(At(3), At(20));
        Assert.Equal(At(4), _progress.DeliveredBefore(At(90)));
    }

    [Fact]
    public void Under_steady_load_the_delivery_time_advances_and_keeps_its_minimum_age()
    {
        for (var second = 0; second < 7200; second++)
        {
            var now = At(0).AddSeconds(second);
            _progress.Add(now.AddSeconds(-10), now);
            if (_progress.DeliveredBefore(now) is not { } deliveredBefore)
            {
                Assert.True(now < At(17) + TimeSpan.FromSeconds(1));
                continue;
            }

            Assert.InRange(now - deliveredBefore, MinAge, MinAge + TimeSpan.FromMinutes(2));
        }
    }

    private static DateTimeOffset At(int minute) => DateTimeOffset.UnixEpoch.AddMinutes(minute);
}
