using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;
using ImageClassifier.Tests.Embedded;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class NodeProgressSpecs
{
    [Theory]
    [InlineData(-10)]
    [InlineData(10)]
    public void Setting_the_clock_changes_neither_the_rate_nor_the_time_with_messages_in_hand(int minutes)
    {
        var time = new MovableTime();
        var progress = new NodeProgress(time);
        var delivery = new Delivery(new ReceivedMessage("", "", new Receipt(""), 1), TimeSpan.Zero);
        progress.RecordPoll(new PollReport(10, 10, null));
        for (var second = 0; second < 10; second++)
        {
            progress.RecordPoll(new PollReport(10, 20, null));
            time.Pass(TimeSpan.FromSeconds(1));
            if (second == 5) time.SetWallClock(TimeSpan.FromMinutes(minutes));
            for (var i = 0; i < 10; i++)
                progress.RecordAcknowledged(new Acknowledged(delivery, Settlement.Delete, QueueOutcome.Done));
        }

        var work = progress.ReadWork();
        Assert.Equal((100L, TimeSpan.FromSeconds(10)), (work.PicturesDone, work.InHandTime));
        Assert.Equal(10, work.FullSpeed!.Value, 3);
    }
}
