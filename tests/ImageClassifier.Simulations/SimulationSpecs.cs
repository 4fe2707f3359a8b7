using ImageClassifier.Simulations.Cloud;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Runs scenarios, and holds each to what must hold whatever happens.</summary>
public abstract class SimulationSpecs(ITestOutputHelper output)
{
    private protected async Task<Outcome> SimulateAsync(Scenario scenario)
    {
        Outcome outcome;
        try
        {
            outcome = await Simulation.RunAsync(scenario);
        }
        catch (Exception)
        {
            output.WriteLine($"Seed {scenario.Cloud.Seed}; to run this again set {Seeds.Variable}={scenario.Cloud.Seed}.");
            throw;
        }

        output.WriteLine(outcome.Describe());
        Promises.AssertKept(outcome);
        return outcome;
    }

    private protected static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private protected static CloudSettings Cloud(int seed, double service = 0.1) =>
        new() { Seed = seed, ServiceTime = Seconds(service) };
}
