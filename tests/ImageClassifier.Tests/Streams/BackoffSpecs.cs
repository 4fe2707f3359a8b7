using ImageClassifier.Streams;
using Xunit;

namespace ImageClassifier.Tests.Streams;

public sealed class BackoffSpecs
{
    private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(1);

    [Fact]
    public void Pauses_double_from_the_shortest_to_the_longest()
    {
        var backoff = new Backoff(Min, Max);
        foreach (var least in (int[])[100, 200, 400, 500, 500, 500])
        {
            var pause = backoff.Next();
            Assert.InRange(pause.TotalMilliseconds, least, Math.Min(2 * least, Max.TotalMilliseconds));
        }
    }

    [Fact]
    public void A_reset_restarts_with_the_shortest_pause()
    {
        var backoff = new Backoff(Min, Max);
        for (var i = 0; i < 5; i++) backoff.Next();
        backoff.Reset();

        Assert.InRange(backoff.Next().TotalMilliseconds, 100, 200);
    }

    [Fact]
    public void A_pause_after_any_number_of_failures_is_within_the_limits()
    {
        var backoff = new Backoff(Min, Max);

        Assert.InRange(backoff.PauseAfter(1).TotalMilliseconds, 100, 200);
        Assert.InRange(backoff.PauseAfter(int.MaxValue).TotalMilliseconds, 500, 1000);
    }

    [Fact]
    public void Pauses_differ_between_programs()
    {
        var pauses = Enumerable.Range(0, 20).Select(_ => new Backoff(Min, Max).Next()).ToHashSet();

        Assert.True(pauses.Count > 1);
    }
}
