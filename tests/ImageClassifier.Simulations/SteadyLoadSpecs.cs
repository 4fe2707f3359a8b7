using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using Xunit;

namespace ImageClassifier.Simulations;

/// <summary>What the discrete-event model says of the settings for AWS; a failure names its seed.</summary>
public sealed class SteadyLoadSpecs
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_picture_has_its_result_and_the_fleet_stays_within_its_cap(int seed)
    {
        var settings = new SettingsSources { Assignments = ["image-classifier.environment=aws"] };
        var model = SimulationModel.Create(ProgramSettings.Load(ProgramRole.Web, settings));
        var arrivals = Load.Parse("--load", "constant:20/s:10m").Draw(seed);

        var report = Simulation.Run(model, arrivals, seed);

        Assert.Equal(arrivals.Count, report.Pictures);
        Assert.InRange(report.PeakInstances, 1, model.Scaling.MaxInstances);
    }
}
