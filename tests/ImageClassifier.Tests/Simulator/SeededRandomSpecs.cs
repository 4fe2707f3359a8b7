using ImageClassifier.Core;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

public sealed class SeededRandomSpecs
{
    [Fact]
    public void Numbers_are_spread_evenly_and_follow_from_seed_and_purpose()
    {
        double[] Draw(int seed, int stream)
        {
            var random = new SeededRandom(seed, stream);
            return [.. Enumerable.Range(0, 10_000).Select(_ => random.NextDouble())];
        }

        Assert.Equal(Draw(1, 1), Draw(1, 1));
        Assert.NotEqual(Draw(1, 1), Draw(2, 1));
        Assert.NotEqual(Draw(1, 1), Draw(1, 2));
        Assert.All(Draw(3, 1), number => Assert.InRange(number, 0, 1 - 1e-12));
        Assert.InRange(Draw(4, 1).Average(), 0.49, 0.51);
    }

    [Theory]
    [InlineData("26s", 26, 26, 26)]
    [InlineData("20s..40s", 30, 20, 40)]
    [InlineData("100ms~20%", 0.1, 0.03, 0.3)]
    public void A_drawn_time_follows_its_notation(string text, double median, double least, double most)
    {
        var time = DrawnTime.Parse("--boot", text);
        Assert.Equal(text, time.ToString());
        var random = new SeededRandom(1, 1);
        double[] drawn =
            [.. Enumerable.Range(0, 5_000).Select(_ => TimeSpan.FromTicks(time.Draw(random)).TotalSeconds).Order()];
        Assert.All(drawn, seconds => Assert.InRange(seconds, least, most));
        Assert.InRange(drawn[drawn.Length / 2], median * 0.97, median * 1.03);
        Assert.Equal(median, time.Median.TotalSeconds, 9);
    }

    [Theory]
    [InlineData("")]
    [InlineData("26")]
    [InlineData("-1s")]
    [InlineData("2h")]
    [InlineData("40s..20s")]
    [InlineData("20s..")]
    [InlineData("26s~20")]
    [InlineData("26s~300%")]
    public void An_invalid_time_is_refused(string text) =>
        Assert.Contains("26s", Assert.Throws<InvalidSettingException>(
            () => DrawnTime.Parse("--boot", text)).Message, StringComparison.Ordinal);
}
