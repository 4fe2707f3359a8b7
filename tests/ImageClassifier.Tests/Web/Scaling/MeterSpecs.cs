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
    public void Before_anything_is_measured_the_default_counts()
    {
        Assert.Equal(Assumed, _service.ServiceTime);
        Busy(seconds: 1, running: 1, resultsPerSecond: 20);
        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void While_pictures_wait_the_service_time_is_instance_seconds_divided_by_results(int running)
    {
        Busy(seconds: 10, running, resultsPerSecond: 20 * running);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    // Each upload starts an observation, so under load the scaler observes many times a second.
    [Fact]
    public void Frequent_observations_do_not_shorten_the_service_time()
    {
        for (var look = 0; look <= 2000; look++)
        {
            if (look % 5 == 0) _service.JobDone();
            _service.AddObservation(1, waiting: true, Start.AddSeconds(look * 0.02));
        }

        Assert.Equal(0.1, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void Time_without_results_does_not_count_although_lagging_counts_show_work()
    {
        Busy(seconds: 10, running: 4, resultsPerSecond: 80);
        for (var second = 11; second <= 60; second++)
            _service.AddObservation(4, waiting: true, Start.AddSeconds(second));
        Busy(seconds: 10, running: 4, resultsPerSecond: 80, from: 61);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void With_nothing_waiting_nothing_is_measured()
    {
        for (var second = 0; second <= 100; second++)
        {
            _service.JobDone();
            _service.AddObservation(1, waiting: false, Start.AddSeconds(second));
        }

        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Fact]
    public void While_the_number_of_instances_changes_nothing_is_measured()
    {
        for (var second = 0; second <= 100; second++)
        {
            for (var i = 0; i < 20; i++) _service.JobDone();
            _service.AddObservation(1 + (second % 2), waiting: true, Start.AddSeconds(second));
        }

        Assert.Equal(Assumed, _service.ServiceTime);
    }

    [Fact]
    public void Old_measurements_lose_weight()
    {
        Busy(seconds: 1000, running: 1, resultsPerSecond: 20);
        Busy(seconds: 1000, running: 1, resultsPerSecond: 10, from: 2000);
        Assert.Equal(0.1, _service.ServiceTime.TotalSeconds, precision: 2);
    }

    [Fact]
    public void Before_enough_results_the_rates_in_node_records_count()
    {
        foreach (var rate in (double?[])[null, 10, 20, 40])
            _service.AddNodeRate(Scaling.StoredRecord(InstanceId.Parse("one"), Start, rate).Record!);
        Assert.Equal(0.05, _service.ServiceTime.TotalSeconds, precision: 6);
        Busy(seconds: 10, running: 1, resultsPerSecond: 50);
        Assert.Equal(0.02, _service.ServiceTime.TotalSeconds, precision: 3);
    }

    [Fact]
    public void The_boot_time_is_the_median_of_the_last_boots()
    {
        var boot = new BootMeter(TimeSpan.FromSeconds(26));
        Assert.Equal(26, boot.BootTime.TotalSeconds);
        foreach (var seconds in (double[])[30, 40, 600]) boot.Add(TimeSpan.FromSeconds(seconds));
        Assert.Equal(40, boot.BootTime.TotalSeconds);
    }

    [Fact]
    public void Sent_jobs_count_as_waiting_until_their_results_come_or_the_lag_is_over()
    {
        var backlog = new BacklogEstimator(TimeSpan.FromMinutes(1));
        backlog.JobsSent(10, Start);
        backlog.JobsSent(5, Start.AddSeconds(30));
        for (var i = 0; i < 12; i++) backlog.JobDone(Start.AddSeconds(30));
        Assert.Equal(3, backlog.EstimateWaiting(Nothing, Start.AddSeconds(31)));
        Assert.Equal(2, backlog.EstimateWaiting(new QueueMeasure(0, 1), Start.AddSeconds(31)));
        Assert.Equal(8, backlog.EstimateWaiting(new QueueMeasure(8, 0), Start.AddSeconds(31)));
        backlog.JobsSent(7, Start.AddSeconds(60));
        Assert.Equal(7, backlog.EstimateWaiting(Nothing, Start.AddSeconds(90)));
        Assert.Equal(0, backlog.EstimateWaiting(Nothing, Start.AddSeconds(120)));
        backlog.JobDone(Start.AddSeconds(120));
        Assert.Equal(0, backlog.EstimateWaiting(Nothing, Start.AddSeconds(120)));
    }

    [Fact]
    public void Done_jobs_do_not_count_as_waiting_although_lagging_counts_show_them()
    {
        var backlog = new BacklogEstimator(TimeSpan.FromMinutes(1));
        Assert.Equal(0, backlog.EstimateWaiting(Nothing, Start));
        backlog.JobsSent(10, Start);
        for (var i = 0; i < 8; i++) backlog.JobDone(Start.AddSeconds(50));
        Assert.Equal(2, backlog.EstimateWaiting(new QueueMeasure(10, 0), Start.AddSeconds(61)));
        for (var i = 0; i < 2; i++) backlog.JobDone(Start.AddSeconds(62));
        Assert.Equal(0, backlog.EstimateWaiting(new QueueMeasure(2, 0), Start.AddSeconds(63)));
        // Jobs that another client sent count once the lag is over.
        Assert.Equal(2, backlog.EstimateWaiting(new QueueMeasure(2, 0), Start.AddSeconds(122)));
    }

    [Fact]
    public void After_the_clock_was_set_back_the_counts_are_trusted()
    {
        var backlog = new BacklogEstimator(TimeSpan.FromMinutes(1));
        Assert.Equal(0, backlog.EstimateWaiting(Nothing, Start));
        backlog.JobsSent(10, Start);
        for (var i = 0; i < 10; i++) backlog.JobDone(Start);
        backlog.JobsSent(3, Start);
        for (var i = 0; i < 3; i++) backlog.JobDone(Start);
        var dayBefore = Start.AddDays(-1);
        Assert.Equal(2, backlog.EstimateWaiting(new QueueMeasure(2, 0), dayBefore));
        backlog.JobsSent(5, Start);
        Assert.Equal(0, backlog.EstimateWaiting(Nothing, dayBefore));
    }

    [Fact]
    public void Before_the_queue_was_seen_empty_the_counts_are_trusted()
    {
        var backlog = new BacklogEstimator(TimeSpan.FromMinutes(1));
        backlog.JobDone(Start);
        Assert.Equal(10, backlog.EstimateWaiting(new QueueMeasure(10, 0), Start));
    }

    private void Busy(int seconds, int running, int resultsPerSecond, int from = 0)
    {
        for (var second = 0; second <= seconds; second++)
        {
            _service.AddObservation(running, waiting: true, Start.AddSeconds(from + second));
            for (var i = 0; i < resultsPerSecond; i++) _service.JobDone();
        }
    }
}
