using ImageClassifier.Core;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

public sealed class LoadSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_burst_arrives_at_one_time() => Assert.Equal([0, 0, 0], Simulated.Seconds("burst:3"));

    [Theory]
    [InlineData("burst:2@90,1@0", new[] { 0.0, 90, 90 })]
    [InlineData("burst:1@0.5,1@2s,1@1m", new[] { 0.5, 2, 60 })]
    public void Bursts_arrive_at_their_seconds_in_any_order(string load, double[] seconds) =>
        Assert.Equal(seconds, Simulated.Seconds(load));

    [Theory]
    [InlineData("constant:20/s:10m", 12_000, 600)]
    [InlineData("constant:600/m:1h", 36_000, 3600)]
    [InlineData("constant:7200/h:2h", 14_400, 7200)]
    public void A_constant_load_has_its_rate_and_its_end(string load, int count, double end)
    {
        var seconds = Simulated.Seconds(load);
        Assert.InRange(seconds.Length, count - 4 * Math.Sqrt(count), count + 4 * Math.Sqrt(count));
        Assert.InRange(seconds[^1], end * 0.99, end);
        Assert.Equal(seconds.Order(), seconds);
        // In a Poisson process, the standard deviation of the gaps equals their mean.
        double[] gaps = [.. seconds.Zip(seconds.Skip(1), (a, b) => b - a)];
        var mean = gaps.Average();
        Assert.InRange(Math.Sqrt(gaps.Average(gap => Math.Pow(gap - mean, 2))) / mean, 0.95, 1.05);
    }

    [Fact]
    public void A_day_is_quiet_at_night_and_busy_at_noon()
    {
        var seconds = Simulated.Seconds("diurnal:1/s");
        Assert.InRange(seconds.Length, 85_000, 88_000);
        int Within(double from, double to) => seconds.Count(at => at >= from * 3600 && at < to * 3600);
        Assert.InRange(Within(0, 1), 250, 550);
        Assert.InRange(Within(11.5, 12.5), 6_400, 7_200);
        Assert.InRange(Simulated.Seconds("diurnal:1/s:2d").Length, 171_000, 175_000);
    }

    [Fact]
    public void The_arrivals_follow_from_the_seed()
    {
        Assert.Equal(Simulated.Seconds("constant:5/s:1m", seed: 7), Simulated.Seconds("constant:5/s:1m", seed: 7));
        Assert.NotEqual(Simulated.Seconds("constant:5/s:1m", seed: 7), Simulated.Seconds("constant:5/s:1m", seed: 8));
    }

    [Fact]
    public void A_load_file_has_seconds_and_optional_counts()
    {
        var file = _folder.Write("arrivals.csv", "seconds,pictures\n3,2\n# a comment\n1.5\n\n0,0\n");
        Assert.Equal([1.5, 3, 3], Simulated.Seconds($"csv:{file}"));
        Assert.Equal([0.25], Simulated.Seconds($"csv:{_folder.Write("one.csv", "0.25")}"));
    }

    [Theory]
    [InlineData("1\nsoon\n", "line 2")]
    [InlineData("1,some\n", "line 1")]
    [InlineData("1,2,3\n", "line 1")]
    [InlineData("-1\n", "line 1")]
    [InlineData("1,30000000\n", "at most 20000000")]
    [InlineData("\n", "no arrivals")]
    public void A_wrong_file_is_refused_with_its_line(string text, string complaint)
    {
        var file = _folder.Write("arrivals.csv", text);
        var wrong = Assert.Throws<InvalidSettingException>(() => Simulated.Seconds($"csv:{file}"));
        Assert.Contains(complaint, wrong.Message, StringComparison.Ordinal);
        Assert.Contains("arrivals.csv", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_refused() =>
        Assert.Contains("cannot be read", Assert.Throws<InvalidSettingException>(
            () => Simulated.Seconds($"csv:{Path.Combine(_folder.Path, "none.csv")}")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("burst")]
    [InlineData("burst:")]
    [InlineData("burst:0")]
    [InlineData("burst:-5")]
    [InlineData("burst:5@")]
    [InlineData("burst:5@1@2")]
    [InlineData("burst:5@-1")]
    [InlineData("burst:5,")]
    [InlineData("constant:20/s")]
    [InlineData("constant:20:10m")]
    [InlineData("constant:0/s:10m")]
    [InlineData("constant:20/d:10m")]
    [InlineData("constant:20/s:10")]
    [InlineData("constant:20/s:0s")]
    [InlineData("constant:20/s:10m:1")]
    [InlineData("constant:NaN/s:10m")]
    [InlineData("diurnal:5")]
    [InlineData("csv:")]
    [InlineData("steady:5/s")]
    public void An_invalid_load_is_refused_with_the_allowed_forms(string load)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => Load.Parse("--load", load));
        Assert.Equal("--load", wrong.Key);
        Assert.Contains("constant:20/s:10m", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("burst:20000001")]
    [InlineData("burst:15000000@0,15000000@1")]
    [InlineData("constant:1000000/s:1h")]
    [InlineData("diurnal:1000/s")]
    public void Too_many_pictures_are_refused(string load) =>
        Assert.Contains("at most 20000000", Assert.Throws<InvalidSettingException>(
            () => Load.Parse("--load", load)).Message, StringComparison.Ordinal);
}
