using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Pictures that keep arriving.</summary>
public sealed class SteadyStreamSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    private const int PicturesOfAnUpload = 5;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Under_steady_load_the_wanted_count_changes_at_most_once_a_minute()
    {
        var time = TimeSpan.FromMinutes(10);
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = Seeds.One, ServiceTime = Seconds(0.3) },
            Arrivals = Poisson(uploadsPerSecond: 2, time, Seeds.One),
        });

        var ramp = Seconds(26 + 60);
        var changes = outcome.Samples
            .Where(sample => outcome.Since(sample.At) > ramp && outcome.Since(sample.At) < time)
            .Select(sample => (At: outcome.Since(sample.At), sample.View.Decisions[0].Wanted))
            .ToArray();
        var changedAt = changes.Zip(changes.Skip(1))
            .Where(pair => pair.First.Wanted != pair.Second.Wanted)
            .Select(pair => pair.Second.At)
            .ToArray();
        Assert.All(
            changedAt.Zip(changedAt.Skip(1)),
            pair => Assert.True(pair.Second - pair.First >= Minute, $"changed at {pair.First} and at {pair.Second}"));
        // The work of three instances. The pictures that arrived before the first one was up add a few.
        Assert.InRange(outcome.MostLiving, 3, 8);
    }

    [Fact]
    public async Task Once_the_fleet_is_up_a_steady_load_is_answered_within_the_target()
    {
        var time = TimeSpan.FromMinutes(10);
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = Seeds.One, ServiceTime = Seconds(0.1) },
            Arrivals = Poisson(uploadsPerSecond: 3, time, Seeds.One),
        });

        var latencies = outcome.Uploads
            .Where(upload => outcome.Since(upload.Manifest.SubmittedAt) > Seconds(26 + 60))
            .SelectMany(upload => upload.Received.Select(seen => (seen.At - upload.Manifest.SubmittedAt).TotalSeconds))
            .Order()
            .ToArray();
        Assert.InRange(latencies[latencies.Length * 99 / 100], 0, 60);
        Assert.InRange(latencies[latencies.Length / 2], 0, 5);
    }

    private static List<Arrival> Poisson(double uploadsPerSecond, TimeSpan time, int seed)
    {
        var draws = Draws.Of(seed, Drawn.Arrivals, 0);
        var arrivals = new List<Arrival>();
        var at = TimeSpan.Zero;
        while (at < time)
        {
            arrivals.Add(new Arrival(at, PicturesOfAnUpload));
            at += TimeSpan.FromSeconds(-Math.Log(1 - draws.NextDouble()) / uploadsPerSecond);
        }

        return arrivals;
    }
}
