using ImageClassifier.Core.Storage;
using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace ImageClassifier.Simulations;

/// <summary>A seed fixes what is random, and a failure shows its seed.</summary>
public sealed class SeedSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task A_seed_fixes_how_instances_boot_and_which_die()
    {
        var (one, again, other) = (await FatesAsync(1), await FatesAsync(1), await FatesAsync(2));

        Assert.True(AreAlike(one, again));
        Assert.False(AreAlike(one, other));
    }

    [Fact]
    public async Task A_run_that_violates_an_invariant_fails_with_its_seed()
    {
        var failure = await Assert.ThrowsAsync<FailException>(() => SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = 7, Boot = BootTimes.Fixed(Seconds(26)) },
            Arrivals = AtOnce(20),
            Incidents = [new Incident(Seconds(35), LoseResults)],
        }));

        Assert.Contains($"seed 7 ({Seeds.Variable})", failure.Message, StringComparison.Ordinal);
        Assert.Contains("has no stored result", failure.Message, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<(TimeSpan? Boot, bool IsStillborn)>> FatesAsync(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.3), NeverCameUpShare = 0.3 },
            Arrivals = AtOnce(1000),
        });
        return
        [
            .. outcome.Instances.Select(instance =>
                (instance.NodeStartedAt - instance.LaunchedAt, instance.End == InstanceEnd.NeverCameUp)),
        ];
    }

    // The jitter of back-offs also decides how many instances replace the dead ones.
    private static bool AreAlike(
        IEnumerable<(TimeSpan? Boot, bool IsStillborn)> some, IEnumerable<(TimeSpan? Boot, bool IsStillborn)> others) =>
        some.Zip(others).All(pair => pair.First.IsStillborn == pair.Second.IsStillborn
            && !((pair.First.Boot - pair.Second.Boot)?.Duration() > Grain));

    private static void LoseResults(SimulatedService simulation)
    {
        var store = simulation.World.Store;
        var results = store.ListAsync(ObjectKeys.Results, CancellationToken.None).ToBlockingEnumerable().ToArray();
        foreach (var result in results)
            store.DeleteAsync(result.Key, CancellationToken.None).GetAwaiter().GetResult();
    }
}
