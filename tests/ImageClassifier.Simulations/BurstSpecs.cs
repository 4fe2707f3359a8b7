using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Pictures that come all at once.</summary>
public sealed class BurstSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task One_picture_gets_one_instance(int seed)
    {
        var outcome = await BurstAsync(1, seed);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Five_pictures_get_one_instance(int seed)
    {
        var outcome = await BurstAsync(5, seed);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Twenty_quick_pictures_do_not_launch_nineteen_machines(int seed)
    {
        var outcome = await BurstAsync(20, seed);

        Assert.Single(outcome.Instances);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Fifty_pictures_are_done_within_the_target(int seed)
    {
        var outcome = await BurstAsync(50, seed, service: 0.4);

        Assert.InRange(outcome.Instances.Count, 1, 2);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(70));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Three_hundred_pictures_are_done_within_the_target(int seed)
    {
        var outcome = await BurstAsync(300, seed, service: 0.4);

        Assert.InRange(outcome.Instances.Count, 3, 5);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(75));
    }

    [Fact]
    public async Task Ten_thousand_pictures_take_the_whole_fleet()
    {
        var outcome = await BurstAsync(10_000, Seeds.One, service: 0.2);

        Assert.Equal(outcome.MaxInstances, outcome.MostLiving);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(180));
    }

    private async Task<Outcome> BurstAsync(int pictures, int seed, double service = 0.1)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = Cloud(seed, service),
            Arrivals = [new Arrival(TimeSpan.Zero, pictures)],
        });
        Assert.InRange(outcome.Launches[0].At, TimeSpan.Zero, Seconds(2));
        Assert.All(outcome.Launches, launch => Assert.InRange(launch.At, TimeSpan.Zero, Seconds(4)));
        return outcome;
    }
}
