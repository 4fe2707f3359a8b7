using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Simulate;
using ImageClassifier.Host.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

public sealed class SimulateVerbSpecs
{
    private static readonly string[] Aws = ["image-classifier.environment=aws"];

    [Theory]
    [InlineData("burst:1", 1)]
    [InlineData("burst:300", 300)]
    [InlineData("burst:1000@0,1000@90", 2000)]
    public void Every_picture_has_its_result_and_the_figures_are_there(string load, int pictures)
    {
        var report = Run(load);
        Assert.Equal(pictures, report.GetProperty("pictures").GetInt32());
        foreach (var figure in (string[])["lastResultSeconds", "p50Seconds", "p99Seconds", "instanceHours", "costPerMillion"])
            Assert.True(report.GetProperty(figure).GetDouble() > 0, figure);
        Assert.InRange(report.GetProperty("peakInstances").GetInt32(), 1, 19);
    }

    // One instance: a second at most to the look, 26 s of boot, 30 s of work. The first of the three empty polls of 5 s
    // begins while the last twenty pictures, two seconds of work, are in hand.
    [Fact]
    public void A_burst_for_one_instance_comes_to_what_one_can_reckon()
    {
        var report = Run("burst:300");
        Assert.Equal(1, report.GetProperty("launches").GetInt32());
        Assert.InRange(report.GetProperty("lastResultSeconds").GetDouble(), 56, 58);
        Assert.InRange(report.GetProperty("instanceHours").GetDouble() * 3600, 67, 72);
    }

    [Fact]
    public void The_same_seed_gives_the_same_and_another_another()
    {
        Assert.Equal(Run("constant:20/s:1m").ToString(), Run("constant:20/s:1m").ToString());
        Assert.NotEqual(Run("constant:20/s:1m").ToString(), Run("constant:20/s:1m", seed: 2).ToString());
    }

    [Fact]
    public void Two_settings_lie_side_by_side()
    {
        var both = Run("burst:300", compare: "image-classifier.scaling.policy=per-image");
        Assert.Equal(1, both.GetProperty("a").GetProperty("peakInstances").GetInt32());
        Assert.Equal(19, both.GetProperty("b").GetProperty("peakInstances").GetInt32());
    }

    [Theory]
    [InlineData("burst")]
    [InlineData("burst:-1")]
    [InlineData("constant:20:10m")]
    [InlineData("steady:5/s")]
    [InlineData("csv:")]
    public void A_load_that_is_none_is_refused_with_what_is_allowed(string load) =>
        Assert.Contains("--load", Assert.Throws<InvalidSettingException>(() => Run(load)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("-1", null, "--price")]
    [InlineData("cheap", null, "--price")]
    [InlineData(null, "/no/such/folder/timeline.csv", "--timeline")]
    public void An_option_that_cannot_be_used_is_named(string? price, string? timeline, string option)
    {
        var options = Options("burst:1") with { Price = price, Timeline = timeline };
        var wrong = Assert.Throws<InvalidSettingException>(
            () => new SimulateVerb(TextWriter.Null, TextWriter.Null).Run(options, CancellationToken.None));
        Assert.Contains(option, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", wrong.Message, StringComparison.Ordinal);
    }

    private static SimulateOptions Options(string load, int seed = 1) => new(
        new SettingsSources { Assignments = Aws }, load, seed, null, null, null, null, null, null, Json: true);

    private static JsonElement Run(string load, int seed = 1, string? compare = null)
    {
        using var output = new StringWriter();
        var options = Options(load, seed) with { Compare = compare };
        Assert.Equal(ExitCodes.Done, new SimulateVerb(output, TextWriter.Null).Run(options, CancellationToken.None));
        return JsonDocument.Parse(output.ToString()).RootElement;
    }
}
