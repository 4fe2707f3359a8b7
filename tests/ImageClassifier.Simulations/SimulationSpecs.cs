using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Runs scenarios and checks the invariants of each.</summary>
public abstract class SimulationSpecs(ITestOutputHelper output)
{
    private protected async Task<Outcome> SimulateAsync(Scenario scenario)
    {
        Outcome outcome;
        try
        {
            outcome = await SimulatedService.RunAsync(scenario);
        }
        catch (Exception)
        {
            output.WriteLine(Seeds.Describe(scenario.Cloud.Seed));
            throw;
        }

        output.WriteLine(outcome.Describe());
        Invariants.AssertHold(outcome);
        return outcome;
    }

    private protected static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    /// <summary>A number of pictures at once.</summary>
    private protected static IReadOnlyList<Arrival> AtOnce(int pictures, int poison = 0, int undecodable = 0) =>
        [new Arrival(TimeSpan.Zero, pictures, poison, undecodable)];
}
