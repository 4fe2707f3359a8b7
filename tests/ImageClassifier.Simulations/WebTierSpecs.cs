using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>A web tier that is killed and restarted during the run.</summary>
public sealed class WebTierSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(10)]
    [InlineData(40)]
    public async Task A_web_tier_that_restarts_adopts_the_fleet(double killedAt)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = Seeds.One, ServiceTime = Seconds(0.4) },
            Arrivals = AtOnce(300),
            Incidents =
            [
                new Incident(Seconds(killedAt), simulation => simulation.WebTier.Kill()),
                new Incident(Seconds(killedAt + 5), simulation => simulation.WebTier.Start()),
            ],
        });

        Assert.Equal(4, outcome.Instances.Count);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(90));
    }

    [Fact]
    public async Task The_cap_holds_although_the_web_tier_is_killed_again_and_again()
    {
        Incident[] restarts =
        [
            .. Enumerable.Range(0, 8).SelectMany(i => new[]
            {
                new Incident(Seconds((20 * i) + 0.5), simulation => simulation.WebTier.Kill()),
                new Incident(Seconds((20 * i) + 1), simulation => simulation.WebTier.Start()),
            }),
        ];
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = Seeds.One, ServiceTime = Seconds(0.4) },
            Arrivals = AtOnce(5000),
            Incidents = restarts,
        });

        Assert.Equal(outcome.MaxInstances, outcome.Instances.Count);
    }

    // The fleet reports the launch only after half a minute, and the web tier that made it is gone.
    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task The_cap_holds_although_the_web_tier_is_killed_during_a_launch(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4), LostAnswerShare = 1 },
            Arrivals = AtOnce(5000),
            Incidents =
            [
                new Incident(Seconds(0.7), simulation => simulation.WebTier.Kill()),
                new Incident(Seconds(1), simulation => simulation.WebTier.Start()),
            ],
        });

        Assert.Equal(outcome.MaxInstances, outcome.Instances.Count);
    }
}
