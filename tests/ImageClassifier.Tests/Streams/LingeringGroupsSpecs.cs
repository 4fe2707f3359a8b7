using Akka.Streams;
using Akka.Streams.Dsl;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Streams;

public sealed class LingeringGroupsSpecs(ITestOutputHelper output) : VirtualTimeSpecs(output)
{
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task Full_groups_go_on_at_once_and_the_rest_at_the_end_of_the_stream()
    {
        var groups = await Source.From(Enumerable.Range(0, 25))
            .Via(new LingeringGroups<int>(10, Linger, Time))
            .RunWith(Sink.Seq<IReadOnlyList<int>>(), Materializer)
            .WaitAsync(RealLimit, TimeProvider.System);

        Assert.Equal([10, 10, 5], groups.Select(group => group.Count));
        Assert.Equal(Enumerable.Range(0, 25), groups.SelectMany(group => group));
    }

    [Fact]
    public async Task A_lone_element_goes_on_with_the_linger_in_which_it_came()
    {
        var groups = new List<IReadOnlyList<int>>();
        var elements = Source.Queue<int>(10, OverflowStrategy.Fail)
            .Via(new LingeringGroups<int>(10, Linger, Time))
            .To(Sink.ForEach<IReadOnlyList<int>>(groups.Add))
            .Run(Materializer);
        await AdvanceAsync(7.5 * Linger, Step);
        await elements.OfferAsync(1);
        await SettleAsync();

        await AdvanceAsync(0.4 * Linger, Step);
        Assert.Empty(groups);
        await AdvanceAsync(0.2 * Linger, Step);
        await UntilAsync(() => groups.Count == 1, "the linger ended");
        Assert.Equal([1], groups[0]);
    }

    [Fact]
    public async Task While_nobody_asks_for_groups_one_waits_and_no_element_is_lost()
    {
        var held = new TaskCompletionSource();
        var (asked, taken) = (0, new List<int>());
        var finished = Source.From(Enumerable.Range(0, 33))
            .Select(element =>
            {
                Interlocked.Increment(ref asked);
                return element;
            })
            .Via(new LingeringGroups<int>(10, Linger, Time))
            .SelectAsync(1, async group =>
            {
                await held.Task;
                return group;
            })
            .RunForeach(group => taken.AddRange(group), Materializer);
        await AdvanceAsync(3 * Linger, Step);
        // One group is downstream, and one waits.
        Assert.Equal(20, asked);
        held.SetResult();
        await finished.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Equal(Enumerable.Range(0, 33), taken);
    }

    [Fact]
    public async Task Elements_that_come_while_a_group_waits_join_it()
    {
        var groups = new List<IReadOnlyList<int>>();
        var held = new TaskCompletionSource();
        var elements = Source.Queue<int>(10, OverflowStrategy.Fail)
            .Via(new LingeringGroups<int>(10, Linger, Time))
            .SelectAsync(1, async group =>
            {
                groups.Add(group);
                await held.Task;
                return group;
            })
            .To(Sink.Ignore<IReadOnlyList<int>>())
            .Run(Materializer);
        for (var element = 1; element <= 3; element++)
        {
            await elements.OfferAsync(element);
            await AdvanceAsync(1.1 * Linger, Step);
        }

        Assert.Equal([1], Assert.Single(groups));
        elements.Complete();
        held.SetResult();
        await UntilAsync(() => groups.Count == 2, "nothing holds the second group");
        Assert.Equal([2, 3], groups[1]);
    }
}
