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

    // The note is stored after 0.05 s and answered after 0.25 s. The fleet's answer comes, or is lost, after 1.25 s.
    [Theory]
    [InlineData(0.02, false)]
    [InlineData(0.02, true)]
    [InlineData(0.1, false)]
    [InlineData(0.1, true)]
    [InlineData(0.2, false)]
    [InlineData(0.2, true)]
    [InlineData(0.3, false)]
    [InlineData(0.3, true)]
    [InlineData(0.7, false)]
    [InlineData(0.7, true)]
    [InlineData(1.2, false)]
    [InlineData(1.2, true)]
    [InlineData(1.3, false)]
    [InlineData(1.3, true)]
    public async Task A_web_tier_that_is_killed_during_a_launch_launches_once_what_is_needed(
        double killedAt, bool isAnswerLost)
    {
        var isNotedOnly = killedAt is > 0.05 and < 0.25;
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = Seeds.One,
                ServiceTime = Seconds(0.4),
                NoteAnswer = Seconds(0.2),
                LostAnswerShare = isAnswerLost ? 1 : 0,
            },
            Arrivals = AtOnce(300),
            // A launch that was noted and not made is made when the fleet would show it.
            FirstLaunchWithin = isNotedOnly ? Seconds(62) : Seconds(2),
            Incidents =
            [
                new Incident(Seconds(killedAt), simulation => simulation.WebTier.Kill()),
                new Incident(Seconds(killedAt + 0.3), simulation => simulation.WebTier.Start()),
            ],
        });

        Assert.Equal(4, outcome.Instances.Count);
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
