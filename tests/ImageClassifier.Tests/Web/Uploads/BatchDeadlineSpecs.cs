using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class BatchDeadlineSpecs
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-01-31T12:00:01Z", 1)]
    [InlineData("2026-01-31t12:00:01z", 1)]
    [InlineData("2026-01-31T14:00:30+02:00", 30)]
    [InlineData("2026-01-31T06:30:00.123456789-05:30", 0.1234567)]
    [InlineData("2026-02-07T12:00:00Z", 7 * 24 * 60 * 60)]
    public void A_time_with_an_offset_is_read(string text, double secondsFromNow)
    {
        Assert.Null(BatchDeadline.Read(text, Now, out var deadline));
        Assert.Equal(TimeSpan.Zero, deadline!.Value.Offset);
        Assert.Equal(secondsFromNow, (deadline.Value - Now).TotalSeconds, 6);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_text_there_is_no_deadline(string? text)
    {
        Assert.Null(BatchDeadline.Read(text, Now, out var deadline));
        Assert.Null(deadline);
    }

    [Theory]
    [InlineData("2026-01-31T12:00:01", "offset")]
    [InlineData("2026-01-31 12:00:01Z", "offset")]
    [InlineData("31 Jan 2026 12:00:01 GMT", "offset")]
    [InlineData("2026-02-30T12:00:01Z", "offset")]
    [InlineData("2026-01-31T12:00:01+99:00", "offset")]
    [InlineData("1769860801", "offset")]
    [InlineData("2026-01-31T12:00:00Z", "passed")]
    [InlineData("2026-02-07T12:00:01Z", "7 days")]
    public void What_cannot_be_used_is_refused_with_the_reason(string text, string reason)
    {
        Assert.Contains(reason, BatchDeadline.Read(text, Now, out var deadline), StringComparison.Ordinal);
        Assert.Null(deadline);
    }
}
