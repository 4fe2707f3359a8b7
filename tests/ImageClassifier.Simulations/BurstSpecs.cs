using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Pictures that arrive all at once.</summary>
public sealed class BurstSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task One_picture_gets_one_instance(int seed)
    {
        var outcome = await BurstAsync(1, seed, service: 0.1);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Five_pictures_get_one_instance(int seed)
    {
        var outcome = await BurstAsync(5, seed, service: 0.1);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Twenty_quick_pictures_do_not_launch_nineteen_machines(int seed)
    {
        var outcome = await BurstAsync(20, seed, service: 0.1);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Fifty_pictures_are_done_within_the_target(int seed)
    {
        var outcome = await BurstAsync(50, seed, service: 0.4);

        Assert.Single(outcome.Instances);
        AssertDoneInTime(outcome);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Three_hundred_pictures_are_done_within_the_target(int seed)
    {
        var outcome = await BurstAsync(300, seed, service: 0.4);

        // 300 pictures of 0.4 s, in the 34 s that the target leaves after the boot.
        Assert.Equal(4, outcome.Instances.Count);
        AssertDoneInTime(outcome);
    }

    [Fact]
    public async Task Ten_thousand_pictures_take_the_whole_fleet()
    {
        var outcome = await BurstAsync(10_000, Seeds.One, service: 0.2);

        Assert.Equal(outcome.MaxInstances, outcome.MostLiving);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(160));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_second_burst_is_done_by_the_living_instances(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4) },
            Arrivals = [new Arrival(TimeSpan.Zero, 300), new Arrival(Seconds(45), 200)],
        });

        Assert.Equal(4, outcome.Instances.Count);
        Assert.InRange(outcome.LastResult, Seconds(45), Seconds(45 + 65));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_second_burst_after_the_fleet_has_ended_gets_a_fleet_of_its_own(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4) },
            Arrivals = [new Arrival(TimeSpan.Zero, 300), new Arrival(Seconds(90), 300)],
        });

        Assert.All(outcome.Launches, launch => Assert.False(
            launch.At > Seconds(4) && launch.At < Seconds(90), $"{launch.Count} were launched at {launch.At}"));
        Assert.InRange(outcome.LastResult, Seconds(90), Seconds(90 + 75));
    }

    // The counts still show the first burst long after it is done, and keep its instances alive.
    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Counts_that_lag_a_minute_do_not_lengthen_the_service_time(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4), CountsLag = TimeSpan.FromMinutes(1) },
            Arrivals = [new Arrival(TimeSpan.Zero, 300), new Arrival(Seconds(90), 300)],
        });

        Assert.All(outcome.Samples, sample => Assert.InRange(sample.View.ServiceTime, Seconds(0.3), Seconds(0.5)));
        Assert.InRange(outcome.Instances.Count, 4, 6);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_wrongly_assumed_boot_time_is_corrected(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = seed,
                ServiceTime = Seconds(0.4),
                Boot = BootTimes.Fixed(Seconds(40)),
            },
            Arrivals = AtOnce(300),
        });

        Assert.InRange(outcome.Samples.Max(sample => sample.View.BootTime), Seconds(36), Seconds(46));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_wrongly_assumed_service_time_is_corrected(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4) },
            KnowsServiceTime = false,
            Arrivals = AtOnce(300),
        });

        Assert.InRange(outcome.Samples.Max(sample => sample.View.ServiceTime), Seconds(0.36), Seconds(0.44));
        Assert.InRange(outcome.Instances.Count, 2, 4);
    }

    private async Task<Outcome> BurstAsync(int pictures, int seed, double service) => await SimulateAsync(new Scenario
    {
        Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(service) },
        Arrivals = AtOnce(pictures),
    });

    // The target is 60 s. An instance that boots longer than the others cannot be foreseen.
    private static void AssertDoneInTime(Outcome outcome)
    {
        var longestBoot = outcome.Instances.Max(instance => instance.NodeStartedAt - instance.LaunchedAt)!.Value;
        var late = longestBoot - Seconds(26);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(65) + (late > TimeSpan.Zero ? late : TimeSpan.Zero));
    }
}
