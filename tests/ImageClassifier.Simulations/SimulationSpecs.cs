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
            outcome = await SimulatedService.RunAsync(scenario);
        }
        catch (Exception)
        {
            output.WriteLine(Seeds.Tell(scenario.Cloud.Seed));
            throw;
        }

        output.WriteLine(outcome.Describe());
        Promises.AssertKept(outcome);
        return outcome;
    }

    private protected static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    /// <summary>So many at once.</summary>
    private protected static IReadOnlyList<Arrival> AtOnce(int pictures, int poison = 0, int undecodable = 0) =>
        [new Arrival(TimeSpan.Zero, pictures, poison, undecodable)];
}
