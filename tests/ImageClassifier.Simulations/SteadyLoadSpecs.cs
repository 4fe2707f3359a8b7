using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulator;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using Xunit;

namespace ImageClassifier.Simulations;

/// <summary>The discrete-event model with the settings for AWS under twenty pictures a second. A failure shows its
/// seed.</summary>
public sealed class SteadyLoadSpecs
{
    private const string Load20 = "constant:20/s:10m";
    private const int LoadSeconds = 600;

    // Boot time and target, twice: by then the fleet has its final size.
    private const int RampSeconds = 120;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nothing_is_launched_after_the_last_arrival_and_the_fleet_stays_within_its_cap(int seed)
    {
        var (model, arrivals) = Deployment(seed);

        var report = Simulation.Run(model, arrivals, seed);

        Assert.Equal(arrivals.Count, report.Pictures);
        Assert.InRange(report.PeakInstances, 1, model.Scaling.MaxInstances);
        Assert.DoesNotContain(report.Decisions, one => one.Launched > 0 && one.AtSeconds > LoadSeconds);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Once_the_fleet_has_its_size_the_wanted_count_changes_at_most_once_a_minute(int seed)
    {
        var (model, arrivals) = Deployment(seed);

        var rows = Simulation.Run(model, arrivals, seed).Timeline.Rows;

        int[] changes = [.. rows.Zip(rows.Skip(1))
            .Where(pair => pair.Second.Seconds is > RampSeconds and < LoadSeconds
                && pair.First.Wanted != pair.Second.Wanted)
            .Select(pair => pair.Second.Seconds)];
        Assert.All(changes.Zip(changes.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 60));
    }

    private static (SimulationModel Model, Arrivals Arrivals) Deployment(int seed)
    {
        var settings = new SettingsSources { Assignments = ["image-classifier.environment=aws"] };
        var model = SimulationModel.Create(ProgramSettings.Load(settings));
        return (model, Load.Parse("--load", Load20).Draw(seed));
    }
}
