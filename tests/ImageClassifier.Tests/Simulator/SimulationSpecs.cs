using System.Diagnostics;
using ImageClassifier.Simulator;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

public sealed class SimulationSpecs
{
    // One instance: it looks for 50 ms, boots for 10 s, does five pictures of 2 s each, and ends after three polls of 5
    // s.
    [Fact]
    public void A_small_run_equals_a_computation_by_hand()
    {
        var model = Simulated.Model("scaling.latency.boot-time = 10s", "scaling.latency.service-time = 2s") with
        {
            Price = new InstancePrice { PerHour = 3.6, MinimumCharge = TimeSpan.Zero },
            Linger = TimeSpan.FromMilliseconds(50),
            AcknowledgeLinger = TimeSpan.FromMilliseconds(50),
        };
        var report = Simulated.Run(model, "burst:5");

        // Each result is sent alone, 50 ms after it is done. The last message is deleted 50 ms later.
        Assert.Equal(20.1, report.LastResultSeconds, 6);
        Assert.Equal(16.1, report.P50Seconds, 6);
        Assert.Equal(20.1, report.MaxSeconds, 6);
        // The first poll receives all five. Two polls end empty at 15.05 and 20.05 meanwhile and count, but pictures
        // are in hand until 20.15. So the poll that ends at 25.05 is the last.
        Assert.Equal(25.05, report.AtZeroSeconds, 6);
        Assert.Equal(25.0 / 3600, report.InstanceHours, 6);
        Assert.Equal(0.025, report.Cost, 6);
        Assert.Equal(5000, report.CostPerMillion, 3);
        Assert.Equal((1, 1, 1.0), (report.PeakInstances, report.Launches, report.MeanInstances));
    }

    [Fact]
    public void A_short_life_costs_the_minimum_charge()
    {
        var model = Simulated.Model("scaling.latency.boot-time = 10s") with
        {
            Price = new InstancePrice { PerHour = 60, MinimumCharge = TimeSpan.FromMinutes(1) },
        };
        var report = Simulated.Run(model, "burst:1");
        Assert.Equal(1 / 60.0, report.InstanceHours, 9);
        Assert.Equal(1, report.Cost, 9);
    }

    [Fact]
    public void A_node_may_stay_until_the_end_of_its_minimum_charge()
    {
        var report = Simulated.Run(
            Simulated.Model("scaling.latency.boot-time = 10s", "node.termination.min-lifetime = 40s"), "burst:1");
        Assert.InRange(report.AtZeroSeconds, 50, 56);
    }

    [Theory]
    [InlineData("burst:300")]
    [InlineData("constant:30/s:3m")]
    public void The_same_seed_gives_the_same_run_and_another_gives_another(string load)
    {
        var model = Simulated.Model() with
        {
            Boot = DrawnTime.Parse("--boot", "20s..40s"),
            Service = DrawnTime.Parse("--service-time", "200ms~30%"),
        };
        Assert.Equal(AsText(Simulated.Run(model, load, seed: 5)), AsText(Simulated.Run(model, load, seed: 5)));
        Assert.NotEqual(AsText(Simulated.Run(model, load, seed: 5)), AsText(Simulated.Run(model, load, seed: 6)));
    }

    public static TheoryData<string, string[]> Deployments => new()
    {
        { "burst:1", [] },
        { "burst:1000", ["scaling.latency.service-time = 400ms"] },
        { "burst:400@0,300@20,1@300", ["scaling.policy = per-image"] },
        { "constant:10/s:5m", ["scaling.latency.service-time = 300ms", "node.polling.max-in-flight = 40"] },
        { "constant:1/s:10m", ["node.polling.wait-time = 0s"] },
    };

    [Theory]
    [MemberData(nameof(Deployments))]
    public void Every_picture_has_one_result_and_the_fleet_keeps_its_cap_and_ends_at_zero(string load, string[] settings)
    {
        var model = Simulated.Model([.. settings, "scaling.max-instances = 7"]);
        AssertWhole(model, load);
    }

    [Fact]
    public void The_limits_hold_when_counts_lag() =>
        AssertWhole(
            PreparedForLag(TimeSpan.FromMinutes(1)) with { CountsLag = TimeSpan.FromMinutes(1) }, "burst:700@0,20@100");

    [Fact]
    public void So_it_is_when_counts_could_lag_and_do_not() =>
        AssertWhole(PreparedForLag(TimeSpan.FromSeconds(30)), "constant:1/s:10m");

    private static SimulationModel PreparedForLag(TimeSpan lag)
    {
        var model = Simulated.Model("scaling.max-instances = 7");
        return model with { Scaling = model.Scaling with { CountsLag = lag } };
    }

    [Fact]
    public void The_limits_hold_when_many_faults_occur()
    {
        var model = Simulated.Model("scaling.latency.service-time = 500ms", "scaling.max-instances = 7") with
        {
            Faults = new Faults(LaunchFailure: 0.3, Capacity: 5, CrashesPerHour: 60),
            ResultDelay = TimeSpan.FromMilliseconds(200),
        };
        var report = AssertWhole(model, "burst:2000");
        Assert.InRange(report.PeakInstances, 1, 5);
        Assert.True(report.Launches > report.PeakInstances, "nothing crashed");
    }

    [Fact]
    public void A_run_in_which_no_launch_succeeds_is_reported_as_stuck()
    {
        var model = Simulated.Model() with { Faults = new Faults(LaunchFailure: 1, int.MaxValue, 0) };
        var stuck = Assert.Throws<SimulationStuckException>(() => Simulated.Run(model, "burst:3"));
        Assert.Equal(3, stuck.Pictures);
    }

    [Fact]
    public void A_run_can_be_cancelled()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => Simulation.Run(
            Simulated.Model(), Load.Parse("--load", "burst:100000").Draw(1), 1, cancellation: stop.Token));
    }

    [Fact]
    public void Progress_goes_from_zero_to_one()
    {
        var reported = new List<double>();
        Simulation.Run(Simulated.Model(), Load.Parse("--load", "burst:50000").Draw(1), 1, progress: reported.Add);
        Assert.True(reported.Count > 2, "progress was reported too seldom");
        Assert.Equal(reported.Order(), reported);
        Assert.Equal(1, reported[^1]);
    }

    [Fact]
    public void The_scaler_is_the_programs_own_and_explains_itself()
    {
        var report = Simulated.Run(Simulated.Model("scaling.policy = per-image"), "burst:5");
        var launch = Assert.Single(report.Decisions, decision => decision.Launched > 0);
        Assert.Equal(5, launch.Launched);
        Assert.Equal(
            "5 pictures wait: one instance each. 0 instances are running or booting, 5 are launched.", launch.Reason);
    }

    [Fact]
    public void A_run_can_use_another_policy() =>
        Assert.Equal(4, Simulation.Run(
            Simulated.Model(), Load.Parse("--load", "burst:8").Draw(1), 1, _ => new PerImagePolicy(2, 4)).Launches);

    [Fact]
    public void The_timeline_shows_the_state_of_each_second()
    {
        var rows = Simulated.Run(Simulated.Model("scaling.latency.service-time = 1s"), "burst:40").Timeline.Rows;
        Assert.Equal((0, 40, 0), (rows[0].Seconds, rows[1].Waiting, rows[0].Results));
        Assert.All(rows.Take(26), row => Assert.Equal(0, row.Running));
        Assert.True(rows[1].Booting > 0 && rows[27].Running > 0 && rows[27].InFlight > 0, "the fleet does not show");
        Assert.Equal(40, rows.Sum(row => row.Results));
        Assert.Equal((0, 0), (rows[^1].Waiting, rows[^1].Running));
        Assert.All(rows, row => Assert.Equal(row.Results > 0, row.P99Seconds is not null));
    }

    [Fact]
    public void A_long_timeline_has_longer_steps()
    {
        var timeline = Simulated.Run(Simulated.Model(), "burst:1@0,1@90000").Timeline;
        Assert.True(timeline.StepSeconds >= 30, $"a row every {timeline.StepSeconds} s");
        Assert.Equal(2, timeline.Rows.Sum(row => row.Results));
    }

    [Theory]
    [InlineData("burst:1000000", 1000)]
    [InlineData("constant:1000/s:1000s", 102)]
    public void A_million_pictures_on_up_to_a_thousand_instances_take_less_than_ten_seconds(string load, int instances)
    {
        var model = Simulated.Model("scaling.max-instances = 1000");
        var watch = Stopwatch.StartNew();
        var report = Simulated.Run(model, load);
        // Tests run in parallel and without optimisation, so a second try is fair.
        if (watch.Elapsed > TimeSpan.FromSeconds(10))
        {
            watch.Restart();
            Simulated.Run(model, load);
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
        Assert.InRange(report.PeakInstances, instances * 0.9, instances * 1.1);
        Assert.InRange(report.Pictures, 995_000, 1_005_000);
    }

    private static SimulationReport AssertWhole(SimulationModel model, string load)
    {
        // The recorder throws on a second result for a picture.
        var arrivals = Load.Parse("--load", load).Draw(1);
        var report = Simulation.Run(model, arrivals, 1);
        Assert.Equal(arrivals.Count, report.Pictures);
        Assert.Equal(arrivals.Count, report.Timeline.Rows.Sum(row => row.Results));
        Assert.InRange(report.PeakInstances, 1, 7);
        Assert.All(report.Timeline.Rows, row => Assert.InRange(row.Booting + row.Running, 0, 7));
        Assert.Equal((0, 0, 0, 0), (
            report.Timeline.Rows[^1].Waiting, report.Timeline.Rows[^1].InFlight, report.Timeline.Rows[^1].Booting,
            report.Timeline.Rows[^1].Running));
        return report;
    }

    private static string AsText(SimulationReport report)
    {
        using var text = new StringWriter();
        Timeline.WriteCsv(text, [("", report)]);
        return string.Join('\n', report.Decisions) + text
            + string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{report.P99Seconds:R} {report.InstanceHours:R} {report.MeanInstances:R}");
    }
}
