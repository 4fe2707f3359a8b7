using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class MeterSpecs
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly QueueMeasure Nothing = new(0, 0);
    private static readonly TimeSpan Assumed = TimeSpan.FromMilliseconds(100);

    private readonly ServiceMeter _service = new(Assumed);

    [Fact]
    public void Until_something_is_measured_the_default_holds()
    {
        Assert.Equal(Assumed, _service.ServiceTime);
        Busy(seconds: 1, running: 1, resultsPerSecond: 20);
        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void While_pictures_wait_instance_seconds_over_results_are_the_service_time(int running)
    {
        Busy(seconds: 10, running, resultsPerSecond: 20 * running);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    // An upload wakes the scaler, so under a load it looks many times a second.
    [Fact]
    public void Looks_that_are_closer_together_than_results_do_not_make_instances_look_faster()
    {
        for (var look = 0; look <= 2000; look++)
        {
            if (look % 5 == 0) _service.JobDone();
            _service.Looked(1, waiting: true, Start.AddSeconds(look * 0.02));
        }

        Assert.Equal(0.1, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void Where_no_result_comes_for_long_lagging_counts_make_no_one_busy()
    {
        Busy(seconds: 10, running: 4, resultsPerSecond: 80);
        for (var second = 11; second <= 60; second++) _service.Looked(4, waiting: true, Start.AddSeconds(second));
        Busy(seconds: 10, running: 4, resultsPerSecond: 80, from: 61);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void While_nothing_waits_nothing_is_measured()
    {
        for (var second = 0; second <= 100; second++)
        {
            _service.JobDone();
            _service.Looked(1, waiting: false, Start.AddSeconds(second));
        }

        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Fact]
    public void Where_instances_come_and_go_nothing_is_measured()
    {
        for (var second = 0; second <= 100; second++)
        {
            for (var i = 0; i < 20; i++) _service.JobDone();
            _service.Looked(1 + (second % 2), waiting: true, Start.AddSeconds(second));
        }

        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Fact]
    public void What_was_long_ago_is_forgotten()
    {
        Busy(seconds: 1000, running: 1, resultsPerSecond: 20);
        Busy(seconds: 1000, running: 1, resultsPerSecond: 10, from: 2000);
        Assert.Equal(0.1, _service.ServiceTime.TotalSeconds, precision: 2);
    }

    [Fact]
    public void Before_results_say_it_the_records_of_nodes_do()
    {
        foreach (var rate in (double?[])[null, 10, 20, 40])
            _service.Heard(Scaling.Sighting(InstanceId.Parse("one"), Start, rate).Record!);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 6);
        Busy(seconds: 10, running: 1, resultsPerSecond: 50);
        Assert.Equal(0.02, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void The_boot_time_is_the_median_of_the_last()
    {
        var boot = new BootMeter(TimeSpan.FromSeconds(26));
        Assert.Equal(26, boot.BootTime.TotalSeconds);
        foreach (var seconds in (double[])[30, 40, 600]) boot.CameUp(TimeSpan.FromSeconds(seconds));
        Assert.Equal(40, boot.BootTime.TotalSeconds);
    }

    [Fact]
    public void Announced_work_counts_until_its_results_come_or_the_counts_are_believed()
    {
        var work = new AnnouncedWork(TimeSpan.FromMinutes(1));
        work.Sent(10, Start);
        work.Sent(5, Start.AddSeconds(30));
        for (var i = 0; i < 12; i++) work.Done(Start.AddSeconds(30));
        Assert.Equal(3, work.Waiting(Nothing, Start.AddSeconds(31)));
        Assert.Equal(2, work.Waiting(new QueueMeasure(0, 1), Start.AddSeconds(31)));
        Assert.Equal(8, work.Waiting(new QueueMeasure(8, 0), Start.AddSeconds(31)));
        work.Sent(7, Start.AddSeconds(60));
        Assert.Equal(7, work.Waiting(Nothing, Start.AddSeconds(90)));
        Assert.Equal(0, work.Waiting(Nothing, Start.AddSeconds(120)));
        work.Done(Start.AddSeconds(120));
        Assert.Equal(0, work.Waiting(Nothing, Start.AddSeconds(120)));
    }

    [Fact]
    public void What_is_done_does_not_wait_although_the_counts_show_it_still()
    {
        var work = new AnnouncedWork(TimeSpan.FromMinutes(1));
        Assert.Equal(0, work.Waiting(Nothing, Start));
        work.Sent(10, Start);
        for (var i = 0; i < 8; i++) work.Done(Start.AddSeconds(50));
        Assert.Equal(2, work.Waiting(new QueueMeasure(10, 0), Start.AddSeconds(61)));
        for (var i = 0; i < 2; i++) work.Done(Start.AddSeconds(62));
        Assert.Equal(0, work.Waiting(new QueueMeasure(2, 0), Start.AddSeconds(63)));
        // What no one announced shows in the end.
        Assert.Equal(2, work.Waiting(new QueueMeasure(2, 0), Start.AddSeconds(122)));
    }

    [Fact]
    public void A_scaler_that_began_in_the_middle_believes_the_counts()
    {
        var work = new AnnouncedWork(TimeSpan.FromMinutes(1));
        work.Done(Start);
        Assert.Equal(10, work.Waiting(new QueueMeasure(10, 0), Start));
    }

    private void Busy(int seconds, int running, int resultsPerSecond, int from = 0)
    {
        for (var second = 0; second <= seconds; second++)
        {
            _service.Looked(running, waiting: true, Start.AddSeconds(from + second));
            for (var i = 0; i < resultsPerSecond; i++) _service.JobDone();
        }
    }
}
