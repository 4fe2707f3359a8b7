using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Termination;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class LiveNodesSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    [Fact]
    public async Task Nodes_with_fresh_records_are_counted_in_the_order_of_their_ids()
    {
        Write("i-0dead");
        await AdvanceAsync(Interval * 3, Interval);
        foreach (var node in (string[])["i-0003", "i-0001", "i-0002"]) Write(node);
        Store.Set("nodes/something-else.txt", "{}");

        Assert.Equal((0, 3), (await FindAsync("i-0001"))!.Value);
        Assert.Equal((2, 3), (await FindAsync("i-0003"))!.Value);
        Assert.Null(await FindAsync("i-0dead"));
        Assert.Null(await FindAsync("i-0004"));
    }

    [Fact]
    public async Task A_record_that_is_as_old_as_all_others_is_fresh()
    {
        Write("i-0001");
        await AdvanceAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(10));

        Assert.Equal((0, 1), (await FindAsync("i-0001"))!.Value);
    }

    private TimeSpan Interval => Settings.Records.QuietInterval;

    private void Write(string node) => Store.Set(ObjectKeys.Node(InstanceId.Parse(node)), "{}");

    private Task<(int Place, int Nodes)?> FindAsync(string node) =>
        new LiveNodes(Store, InstanceId.Parse(node), Interval).FindPlaceAsync(CancellationToken.None);
}
