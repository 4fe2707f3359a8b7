using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class EmptyQueueDetectorSpecs
{
    private static readonly QueueMeasure Empty = new(0, 0);

    private readonly EmptyQueueDetector _detector = new();
    private int _minute;

    [Fact]
    public void The_queue_is_empty_since_the_first_of_three_empty_measurements_in_a_row()
    {
        Measure(Empty, Empty);
        Assert.Null(_detector.EmptySince);
        Measure(Empty);
        Assert.Equal(At(1), _detector.EmptySince);
        Measure(Empty, Empty);
        Assert.Equal(At(3), _detector.EmptySince);
    }

    [Fact]
    public void A_measurement_that_shows_work_or_fails_starts_over()
    {
        foreach (var broken in (QueueMeasure?[])[new(1, 0), new(0, 1), null])
        {
            Measure(Empty, Empty, Empty, broken);
            Assert.Null(_detector.EmptySince);
            Measure(Empty, Empty);
            Assert.Null(_detector.EmptySince);
            Measure(Empty);
            Assert.NotNull(_detector.EmptySince);
        }
    }

    private static DateTimeOffset At(int minute) => DateTimeOffset.UnixEpoch.AddMinutes(minute);

    private void Measure(params QueueMeasure?[] measures)
    {
        foreach (var measure in measures) _detector.Add(measure, At(++_minute));
    }
}
