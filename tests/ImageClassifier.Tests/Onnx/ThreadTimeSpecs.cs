using System.Diagnostics;
using ImageClassifier.Adapters.Onnx.Imaging;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class ThreadTimeSpecs
{
    private static readonly TimeSpan Work = TimeSpan.FromMilliseconds(200);

    [Fact]
    public void Only_the_work_of_the_thread_counts()
    {
        var time = ThreadTime.Instance;
        Assert.IsType<ThreadTime>(time);
        using var otherIsDone = new ManualResetEventSlim();
        var worked = TimeSpan.Zero;
        var other = new Thread(() =>
        {
            worked = WorkFor(time, Work);
            otherIsDone.Set();
        });

        var started = time.GetTimestamp();
        var clock = Stopwatch.StartNew();
        other.Start();
        otherIsDone.Wait();
        other.Join();

        Assert.True(worked >= Work);
        Assert.True(clock.Elapsed >= Work);
        Assert.InRange(time.GetElapsedTime(started), TimeSpan.Zero, Work / 2);
    }

    private static TimeSpan WorkFor(TimeProvider time, TimeSpan howLong)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < howLong) Thread.SpinWait(100);
        return time.GetElapsedTime(started);
    }
}
