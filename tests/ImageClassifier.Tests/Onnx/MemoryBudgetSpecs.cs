using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class MemoryBudgetSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(20);

    private readonly MemoryBudget _budget = new(100);

    [Fact]
    public void A_request_that_fits_is_granted_at_once()
    {
        using var first = _budget.Take(60);
        using var second = _budget.Take(40);
        using var nothing = _budget.Take(0);
    }

    [Fact]
    public void A_request_above_the_total_is_an_error()
    {
        Assert.True(_budget.CanHold(100));
        Assert.False(_budget.CanHold(101));
        Assert.Throws<ArgumentOutOfRangeException>(() => _budget.Take(101));
    }

    [Fact]
    public async Task A_small_request_does_not_overtake_a_large_one()
    {
        var order = new List<int>();
        var held = _budget.Take(50);
        var much = Start(() =>
        {
            using var share = _budget.Take(80);
            lock (order) order.Add(80);
        });
        await WaitsAsync(much);
        var little = Start(() =>
        {
            using var share = _budget.Take(30);
            lock (order) order.Add(30);
        });
        await WaitsAsync(little);

        held.Dispose();

        Assert.True(much.Join(Enough));
        Assert.True(little.Join(Enough));
        Assert.Equal([80, 30], order);
    }

    [Fact]
    public void Many_threads_never_hold_more_than_the_total()
    {
        var (had, most) = (0L, 0L);
        var threads = Enumerable.Range(0, 8).Select(seed => Start(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 500; i++)
            {
                var bytes = random.Next(1, 101);
                using var share = _budget.Take(bytes);
                var now = Interlocked.Add(ref had, bytes);
                for (var seen = Interlocked.Read(ref most);
                    now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen;
                    seen = Interlocked.Read(ref most))
                {
                }

                Interlocked.Add(ref had, -bytes);
            }
        })).ToList();

        Assert.All(threads, thread => Assert.True(thread.Join(Enough)));
        Assert.InRange(most, 1, 100);
    }

    private static Thread Start(Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static Task WaitsAsync(Thread thread) => Condition.BecomesTrueAsync(
        () => Task.FromResult(thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin)), "the thread waits");
}
