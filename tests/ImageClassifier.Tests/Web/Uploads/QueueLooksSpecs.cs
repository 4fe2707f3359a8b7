using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class QueueLooksSpecs
{
    private static readonly QueueMeasure Empty = new(0, 0);

    private readonly QueueLooks _looks = new();
    private int _minute;

    [Fact]
    public void It_takes_three_looks_in_a_row_and_the_first_of_the_last_three_counts()
    {
        Look(Empty, Empty);
        Assert.Null(_looks.EmptySince);
        Look(Empty);
        Assert.Equal(At(1), _looks.EmptySince);
        Look(Empty, Empty);
        Assert.Equal(At(3), _looks.EmptySince);
    }

    [Fact]
    public void A_look_that_shows_work_or_fails_begins_anew()
    {
        foreach (var broken in (QueueMeasure?[])[new(1, 0), new(0, 1), null])
        {
            Look(Empty, Empty, Empty, broken);
            Assert.Null(_looks.EmptySince);
            Look(Empty, Empty);
            Assert.Null(_looks.EmptySince);
            Look(Empty);
            Assert.NotNull(_looks.EmptySince);
        }
    }

    private static DateTimeOffset At(int minute) => DateTimeOffset.UnixEpoch.AddMinutes(minute);

    private void Look(params QueueMeasure?[] measures)
    {
        foreach (var measure in measures) _looks.Add(measure, At(++_minute));
    }
}
