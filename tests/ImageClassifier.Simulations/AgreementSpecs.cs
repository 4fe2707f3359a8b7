using System.Globalization;
using ImageClassifier.Simulations.Cloud;
using ImageClassifier.Simulator;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>The discrete-event model of <c>simulate</c> and the real actors give the same figures.</summary>
public sealed class AgreementSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    private const double Tolerance = 0.05;
    private static readonly TimeSpan Boot = TimeSpan.FromSeconds(26);
    private readonly ITestOutputHelper _output = output;

    [Theory]
    [InlineData("burst:300", 0.4)]
    [InlineData("burst:2000", 0.3)]
    [InlineData("burst:300@0,300@90", 0.2)]
    [InlineData("constant:8/s:5m", 0.3)]
    [InlineData("constant:10/s:5m", 0.25)]
    public Task The_model_and_the_actors_agree(string load, double service) =>
        CompareAsync(load, Load.Parse("--load", load).Draw(Seeds.One), service);

    [Fact]
    public async Task They_agree_on_nodes_that_end_because_the_others_can_do_the_work()
    {
        // The work of three nodes, and then of one.
        var busy = Load.Parse("--load", "constant:2/s:3m").Draw(Seeds.One).Ticks;
        var quiet = Load.Parse("--load", "constant:0.5/s:15m").Draw(Seeds.One).Ticks;
        long[] arrivals = [.. busy, .. quiet.Select(at => at + TimeSpan.FromMinutes(3).Ticks)];
        var (modelled, outcome) = await CompareAsync("3, then 1", Arrivals.Create("3, then 1", arrivals), service: 1.2);

        var lastArrival = outcome.Scenario.LastArrival;
        var early = outcome.Instances.Where(instance => outcome.Since(instance.EndedAt!.Value) < lastArrival).ToArray();
        Assert.Equal(outcome.Instances.Count - 1, early.Length);
        Assert.InRange(early.Length, 1, 3);
        Assert.All(early, instance => Assert.Equal(InstanceEnd.ByItself, instance.End));
    }

    private async Task<(SimulationReport Modelled, Outcome Outcome)> CompareAsync(
        string load, Arrivals arrivals, double service)
    {
        var scenario = new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = Seeds.One,
                ServiceTime = Seconds(service),
                Boot = BootTimes.Fixed(Boot),
            },
            Arrivals =
            [
                .. arrivals.Ticks.GroupBy(at => at)
                    .Select(together => new Arrival(TimeSpan.FromTicks(together.Key), together.Count())),
            ],
        };

        var modelled = Simulation.Run(ModelOf(scenario), arrivals, Seeds.One);
        var outcome = await SimulateAsync(scenario);

        var lastResult = (outcome.LastResult - scenario.Arrivals[0].At).TotalSeconds;
        _output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{load}: last result {modelled.LastResultSeconds:0.00} s modelled, {lastResult:0.00} s by the actors;"
            + $" {modelled.InstanceHours:0.0000} and {outcome.InstanceHours:0.0000} instance-hours;"
            + $" {modelled.Launches} and {outcome.Instances.Count} launched"));
        foreach (var decision in modelled.Decisions)
            _output.WriteLine($"modelled: {decision}");
        Assert.Equal(scenario.Arrivals.Sum(arrival => arrival.Pictures), modelled.Pictures);
        AssertNear(lastResult, modelled.LastResultSeconds);
        AssertNear(outcome.InstanceHours, modelled.InstanceHours);
        return (modelled, outcome);
    }

    private static SimulationModel ModelOf(Scenario scenario) =>
        SimulationModel.Create(scenario.Load()) with
        {
            Boot = DrawnTime.Fixed(Boot),
            Service = DrawnTime.Fixed(scenario.Cloud.ServiceTime),
            LaunchTime = scenario.Cloud.LaunchCall,
            ObservationTime = scenario.Cloud.MeasureCall,
            // The time that instances live, not the time that is billed.
            Price = new InstancePrice { MinimumCharge = TimeSpan.Zero },
        };

    private static void AssertNear(double actors, double model) =>
        Assert.InRange(model, actors * (1 - Tolerance), actors * (1 + Tolerance));
}
