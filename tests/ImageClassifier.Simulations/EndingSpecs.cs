using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>An upload that arrives while the only node ends.</summary>
public sealed class EndingSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    private const int PicturesOfAnUpload = 5;

    // The node drains during its last poll, which takes five seconds.
    private static readonly double[] SecondsAfterTheEnd =
        [-6, -5.1, -5.01, -5, -4.99, -4.9, -2.5, -0.1, -0.01, 0, 0.01, 0.1, 1, 4, 6];

    public static TheoryData<double, int> Moments
    {
        get
        {
            var moments = new TheoryData<double, int>();
            foreach (var after in SecondsAfterTheEnd)
            {
                moments.Add(after, 0);
                moments.Add(after, 60);
            }

            return moments;
        }
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_node_that_ends_while_an_upload_arrives_costs_at_most_one_more_launch_and_no_picture(
        double secondsAfterTheEnd, int countsLag)
    {
        var alone = await SimulateAsync(Uploads(countsLag, TimeSpan.Zero));
        var end = alone.Since(Assert.Single(alone.Instances).EndedAt!.Value);
        var second = end + Seconds(secondsAfterTheEnd);

        var outcome = await SimulateAsync(Uploads(countsLag, TimeSpan.Zero, second));

        Assert.Equal(InstanceEnd.ByItself, outcome.Instances[0].End);
        Assert.InRange(outcome.Instances.Count, 1, 2);
        Assert.Equal(2 * PicturesOfAnUpload, outcome.StoredResults.Count());
        Assert.InRange(outcome.LastResult - second, TimeSpan.Zero, Seconds(45));
    }

    private static Scenario Uploads(int countsLag, params TimeSpan[] at) => new()
    {
        Cloud = new CloudSettings
        {
            Seed = Seeds.One,
            Boot = BootTimes.Fixed(Seconds(26)),
            CountsLag = Seconds(countsLag),
        },
        // The last poll, and the time for which the fleet can report a node that has ended.
        LaunchesWithin = Seconds(12),
        Arrivals = [.. at.Select(one => new Arrival(one, PicturesOfAnUpload))],
    };
}
