using Akka.Configuration;
using ImageClassifier.Simulator;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Testing;

namespace ImageClassifier.Tests.Simulator;

/// <summary>Simulated deployments: the program's own settings, with some changes.</summary>
internal static class Simulated
{
    public static SimulationModel Model(params string[] settings)
    {
        var changed = string.Join('\n', settings.Select(setting => $"image-classifier.{setting}"));
        var config = ConfigurationFactory.ParseString(changed).WithFallback(ConfigurationFactory.ParseString(
            File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"))));
        return SimulationModel.Create(config);
    }

    public static SimulationReport Run(SimulationModel model, string load, int seed = 1) =>
        Simulation.Run(model, Load.Parse("--load", load).Draw(seed), seed);

    public static double[] Seconds(string load, int seed = 1) =>
        [.. Load.Parse("--load", load).Draw(seed).Ticks.Select(ticks => TimeSpan.FromTicks(ticks).TotalSeconds)];
}
