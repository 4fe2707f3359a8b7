using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Simulate;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class SimulateVerbSpecs : IDisposable
{
    private static readonly SimulateOptions Burst = new(
        new SettingsSources(), "burst:300", 1, null, null, "26s", "500ms", null, [], null, Policies: false, Json: true);

    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task Json_has_the_outcome_of_the_run()
    {
        await RunAsync(Burst with { Settings = Aws("image-classifier.scaling.max-instances=4"), Price = "2" });
        var report = Json();
        Assert.Equal(300, report.GetProperty("pictures").GetInt32());
        Assert.Equal(4, report.GetProperty("peakInstances").GetInt32());
        var (p50, p99) = (report.GetProperty("p50Seconds").GetDouble(), report.GetProperty("p99Seconds").GetDouble());
        Assert.InRange(p50, 26, p99);
        Assert.InRange(report.GetProperty("lastResultSeconds").GetDouble(), p99, 100);
        var hours = report.GetProperty("instanceHours").GetDouble();
        Assert.InRange(hours, 4 * 60 / 3600.0, 4 * 130 / 3600.0);
        Assert.Equal(hours * 2 / 300 * 1e6, report.GetProperty("costPerMillion").GetDouble(), 6);
        Assert.Equal(hours * 2, report.GetProperty("cost").GetDouble(), 9);
    }

    [Fact]
    public async Task Boot_and_service_time_come_from_the_settings_unless_given()
    {
        await RunAsync(Burst with
        {
            Boot = null,
            ServiceTime = null,
            Load = "burst:1",
            Settings = Sources.Set(
                "image-classifier.scaling.latency.boot-time=7s", "image-classifier.scaling.latency.service-time=3s"),
        });
        Assert.InRange(Json().GetProperty("lastResultSeconds").GetDouble(), 10, 10.2);
    }

    // One instance: an observation, 26 s of boot, 30 s of work. The first of the three empty polls of 5 s begins while
    // the last twenty pictures (two seconds of work) are in hand. A fourth poll is then under way, which SQS does not
    // abort.
    [Fact]
    public async Task A_burst_for_one_instance_has_the_computed_outcome()
    {
        await RunAsync(Burst with { ServiceTime = null, Settings = Aws() });
        Assert.Equal(1, Json().GetProperty("launches").GetInt32());
        Assert.InRange(Json().GetProperty("lastResultSeconds").GetDouble(), 56, 58);
        Assert.InRange(Json().GetProperty("instanceHours").GetDouble() * 3600, 72, 77);
    }

    [Fact]
    public async Task Two_settings_are_compared_side_by_side()
    {
        await RunAsync(Burst with { Compare = "image-classifier.scaling.policy=per-image", Settings = Aws() });
        Assert.Equal(["a", "b"], Json().EnumerateObject().Select(run => run.Name));
        int Peak(string run) => Json().GetProperty(run).GetProperty("peakInstances").GetInt32();
        Assert.Equal(19, Peak("b"));
        Assert.InRange(Peak("a"), 1, 10);
    }

    [Fact]
    public async Task A_compared_file_replaces_the_first_one()
    {
        await RunAsync(Burst with
        {
            Settings = new SettingsSources { ConfigFile = Write("a.conf", 2) },
            Compare = Write("b.conf", 3),
        });
        int Peak(string run) => Json().GetProperty(run).GetProperty("peakInstances").GetInt32();
        Assert.Equal((2, 3), (Peak("a"), Peak("b")));

        string Write(string name, int cap) => _folder.Write(
            name, $"image-classifier {{ environment = aws, scaling {{ policy = per-image, max-instances = {cap} }} }}");
    }

    [Fact]
    public async Task The_output_for_people_is_a_table_and_a_short_history()
    {
        await RunAsync(Burst with { Json = false, Settings = Aws() });
        var lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, line => line.Contains("last result after", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("cost of a million pictures", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("300 pictures wait", StringComparison.Ordinal));
        Assert.EndsWith("The fleet is at zero.", lines[^1].TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_history_is_shortened()
    {
        await RunAsync(Burst with { Json = false, Settings = Aws(), Load = "constant:40/s:10m" });
        var story = _output.ToString().Split('\n').SkipWhile(line => !line.StartsWith('╰')).Skip(1).ToArray();
        Assert.InRange(story.Count(line => line.Length > 0), 5, 19);
    }

    [Fact]
    public async Task Timeline_and_charts_are_written_to_files()
    {
        string[] charts = [Path.Combine(_folder.Path, "chart.png"), Path.Combine(_folder.Path, "chart.svg")];
        var timeline = Path.Combine(_folder.Path, "timeline.csv");
        await RunAsync(Burst with { Timeline = timeline, Charts = charts });
        var lines = await File.ReadAllLinesAsync(timeline);
        Assert.Equal("seconds,waiting,inFlight,booting,running,wanted,results,p50Seconds,p99Seconds", lines[0]);
        Assert.Equal("0,", lines[1][..2]);
        Assert.InRange(lines.Length, 60, 120);
        Assert.All(charts, chart => Assert.True(new FileInfo(chart).Length > 1000));
    }

    [Fact]
    public async Task The_policies_are_compared_side_by_side()
    {
        var options = Burst with { Policies = true, Settings = Aws() };
        await RunAsync(options);
        var comparison = Json().EnumerateArray().Single();
        Assert.Equal("burst:300", comparison.GetProperty("load").GetString());
        foreach (var policy in (string[])["latency", "perImage", "targetTracking", "oracle"])
            Assert.Equal(300, comparison.GetProperty(policy).GetProperty("pictures").GetInt32());

        _output.GetStringBuilder().Clear();
        await RunAsync(options with { Json = false });
        Assert.StartsWith("| load |", _output.ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string, SimulateOptions> Wrong => new()
    {
        { "--load", Burst with { Load = "burst" } },
        { "--price", Burst with { Price = "cheap" } },
        { "--minimum-charge", Burst with { MinimumCharge = "60" } },
        { "--boot", Burst with { Boot = "soon" } },
        { "--service-time", Burst with { ServiceTime = "0.1" } },
        { "--chart", Burst with { Charts = ["chart.gif"] } },
        { "--price", Burst with { Price = "-1" } },
        { "--timeline", Burst with { Timeline = "/no/such/folder/timeline.csv" } },
        { "--chart", Burst with { Charts = ["/no/such/folder/chart.png"] } },
        { "--compare", Burst with { Compare = "" } },
        { "--config", Burst with { Compare = "none.conf" } },
        { "image-classifier.scaling.policy", Burst with { Settings = Aws("image-classifier.scaling.policy=none") } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_option_is_named_and_nothing_is_printed(string key, SimulateOptions options)
    {
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(options));
        Assert.Equal(key, wrong.Key);
        Assert.DoesNotContain("System.", wrong.Message, StringComparison.Ordinal);
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task A_run_can_be_cancelled()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SimulateVerb(_output, null, null).RunAsync(Burst with { Load = "burst:100000" }, stop.Token));
        Assert.Equal("", _output.ToString());
    }

    private static SettingsSources Aws(params string[] settings) =>
        Sources.Set(["image-classifier.environment=aws", .. settings]);

    private async Task RunAsync(SimulateOptions options) => Assert.Equal(
        ExitCodes.Done, await new SimulateVerb(_output, null, null).RunAsync(options, CancellationToken.None));

    private JsonElement Json()
    {
        using var document = JsonDocument.Parse(_output.ToString());
        return document.RootElement.Clone();
    }
}
