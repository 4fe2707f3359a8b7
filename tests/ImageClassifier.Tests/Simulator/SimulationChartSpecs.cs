using System.Xml.Linq;
using ImageClassifier.Core;
using ImageClassifier.Simulator.Charts;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Tests.Configuration;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

public sealed class SimulationChartSpecs : IDisposable
{
    private static readonly SimulationReport Run = Simulated.Run(Simulated.Model(), "burst:200");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_png_has_curves_and_text(int runs)
    {
        var file = Draw("chart.png", runs);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], File.ReadAllBytes(file).Take(4));
        using var picture = SKBitmap.Decode(file);
        Assert.Equal((1200, 960), (picture.Width, picture.Height));
        // Each panel has a title in the middle above it. Without a font there would be nothing.
        for (var panel = 0; panel < 3; panel++)
            Assert.True(Dark(picture, SKRectI.Create(450, panel * 320, 300, 36)) > 100, $"panel {panel} has no title");
    }

    [Fact]
    public void An_svg_has_curves_and_text()
    {
        var svg = XDocument.Load(Draw("chart.SVG", 1)).Root!;
        Assert.Equal("svg", svg.Name.LocalName);
        var text = string.Concat(
            svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value));
        Assert.Contains("Fleet", text, StringComparison.Ordinal);
        Assert.Contains("99th percentile", text, StringComparison.Ordinal);
        Assert.Contains("seconds", text, StringComparison.Ordinal);
        Assert.Contains(svg.Descendants(), element => element.Name.LocalName == "path");
    }

    [Theory]
    [InlineData("chart.pdf")]
    [InlineData("chart")]
    public void A_chart_file_of_another_kind_is_refused(string file) =>
        Assert.Contains(".png or .svg", Assert.Throws<InvalidSettingException>(
            () => SimulationChart.Check("--chart", file)).Message, StringComparison.Ordinal);

    private string Draw(string name, int runs)
    {
        var file = Path.Combine(_folder.Path, name);
        SimulationChart.Write(file, [.. new[] { "a", "b" }.Take(runs).Select(run => (run, Run))]);
        return file;
    }

    private static int Dark(SKBitmap picture, SKRectI area)
    {
        var dark = 0;
        for (var y = area.Top; y < area.Bottom; y++)
        {
            for (var x = area.Left; x < area.Right; x++)
            {
                if (picture.GetPixel(x, y) is { Red: < 100, Alpha: 255 }) dark++;
            }
        }

        return dark;
    }
}
