using ImageClassifier.Core;
using ImageClassifier.Simulator.Reports;
using ScottPlot;
using SkiaSharp;

namespace ImageClassifier.Simulator.Charts;

/// <summary>A chart of one or more runs on the same load: waiting pictures, fleet and latency, one below the other on
/// the same time axis.</summary>
public static class SimulationChart
{
    private const int Width = 1200;
    private const int PanelHeight = 320;
    private const int Panels = 3;
    private const float LabelSize = 15;
    private const int LongestGapInSteps = 10;

    // Room for the legend above the curves.
    private const double Headroom = 1.2;

    // Wide enough for the largest numbers, and equal in all panels, so that their time axes are aligned.
    private const float LeftAxisSize = 80;

    private static readonly Color[] RunColors = [Color.FromHex("#1f5fa8"), Color.FromHex("#c8501e")];
    private static readonly Color Booting = Color.FromHex("#f0b35a");
    private static readonly Color Running = Color.FromHex("#5b9bd5");
    private static readonly Color Wanted = Color.FromHex("#333333");

    /// <summary>Checks that the file's extension is one of a supported kind.</summary>
    /// <exception cref="InvalidSettingException">The extension is neither .png nor .svg.</exception>
    public static void Check(string option, string file)
    {
        if (!IsPng(file) && !IsSvg(file))
            throw new InvalidSettingException(option, file, "allowed is a file that ends with .png or .svg");
    }

    /// <summary>Draws the chart and writes it as a PNG or an SVG, by the extension of the file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string file, IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        Plot[] panels = [WaitingPanel(runs), FleetPanel(runs), LatencyPanel(runs)];
        ShareTime(panels, runs);
        using var stream = File.Create(file);
        if (IsSvg(file))
        {
            using var canvas = SKSvgCanvas.Create(SKRect.Create(Width, Panels * PanelHeight), stream);
            Draw(canvas, panels);
            return;
        }

        using var surface = SKSurface.Create(new SKImageInfo(Width, Panels * PanelHeight));
        Draw(surface.Canvas, panels);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        png.SaveTo(stream);
    }

    private static bool IsPng(string file) => file.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    private static bool IsSvg(string file) => file.EndsWith(".svg", StringComparison.OrdinalIgnoreCase);

    private static Plot WaitingPanel(IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        var plot = NewPanel("Pictures waiting and in flight", "pictures");
        var unit = UnitOf(runs);
        for (var run = 0; run < runs.Count; run++)
        {
            var (prefix, rows) = (Prefix(runs, run), runs[run].Report.Timeline.Rows);
            double[] times = [.. rows.Select(row => row.Seconds / unit.Seconds)];
            Line(plot, times, [.. rows.Select(row => (double)row.Waiting)], $"{prefix}waiting", ColorOf(run));
            if (runs.Count == 1)
                Line(plot, times, [.. rows.Select(row => (double)row.InFlight)], "in flight", RunColors[1]);
        }

        return plot;
    }

    private static Plot FleetPanel(IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        var plot = NewPanel("Fleet", "instances");
        var unit = UnitOf(runs);
        for (var run = 0; run < runs.Count; run++)
        {
            var rows = runs[run].Report.Timeline.Rows;
            double[] times = [.. rows.Select(row => row.Seconds / unit.Seconds)];
            double[] running = [.. rows.Select(row => (double)row.Running)];
            double[] alive = [.. rows.Select(row => (double)(row.Running + row.Booting))];
            if (runs.Count > 1)
            {
                Line(plot, times, alive, $"{Prefix(runs, run)}booting and running", ColorOf(run));
                continue;
            }

            Area(plot, times, new double[times.Length], running, "running", Running);
            Area(plot, times, running, alive, "booting", Booting);
            Line(plot, times, [.. rows.Select(row => (double)row.Wanted)], "wanted", Wanted, LinePattern.Dotted);
        }

        return plot;
    }

    private static Plot LatencyPanel(IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        var plot = NewPanel("Time from arrival to result", "seconds");
        var unit = UnitOf(runs);
        for (var run = 0; run < runs.Count; run++)
        {
            var prefix = Prefix(runs, run);
            var isFirst = true;
            foreach (var rows in Stretches(runs[run].Report.Timeline))
            {
                double[] times = [.. rows.Select(row => row.Seconds / unit.Seconds)];
                Line(plot, times, [.. rows.Select(row => row.P50Seconds!.Value)], isFirst ? $"{prefix}median" : "",
                    ColorOf(run));
                Line(plot, times, [.. rows.Select(row => row.P99Seconds!.Value)],
                    isFirst ? $"{prefix}99th percentile" : "", runs.Count > 1 ? ColorOf(run) : RunColors[1],
                    LinePattern.Dotted);
                isFirst = false;
            }
        }

        plot.XLabel($"time from the first arrival, {unit.Name}", LabelSize);
        return plot;
    }

    /// <summary>The rows with results, split at long gaps, so that no line crosses a gap.</summary>
    private static IEnumerable<List<TimelineRow>> Stretches(Timeline timeline)
    {
        var stretch = new List<TimelineRow>();
        foreach (var row in timeline.Rows.Where(row => row.P50Seconds is not null))
        {
            if (stretch.Count > 0 && row.Seconds - stretch[^1].Seconds > LongestGapInSteps * timeline.StepSeconds)
            {
                yield return stretch;
                stretch = [];
            }

            stretch.Add(row);
        }

        if (stretch.Count > 0) yield return stretch;
    }

    private static Plot NewPanel(string title, string unit)
    {
        var plot = new Plot();
        plot.Title(title, LabelSize + 2);
        plot.YLabel(unit, LabelSize);
        plot.Axes.Left.MinimumSize = LeftAxisSize;
        plot.Axes.Left.MaximumSize = LeftAxisSize;
        return plot;
    }

    private static void Line(
        Plot plot, double[] times, double[] values, string name, Color color, LinePattern? pattern = null)
    {
        var line = plot.Add.ScatterLine(times, values);
        line.LegendText = name;
        line.Color = color;
        line.LineWidth = 2;
        line.LinePattern = pattern ?? LinePattern.Solid;
    }

    private static void Area(Plot plot, double[] times, double[] from, double[] to, string name, Color color)
    {
        var area = plot.Add.FillY(times, from, to);
        area.LegendText = name;
        area.FillColor = color;
        area.LineColor = color;
    }

    private static void ShareTime(Plot[] panels, IReadOnlyList<(string Name, SimulationReport Report)> runs)
    {
        var end = runs.Max(run => run.Report.Timeline.Rows[^1].Seconds) / UnitOf(runs).Seconds;
        foreach (var panel in panels)
        {
            panel.Axes.AutoScale();
            var top = panel.Axes.GetLimits().Top;
            panel.Axes.SetLimits(0, Math.Max(end, 1e-3), 0, Math.Max(top, 1) * Headroom);
            panel.ShowLegend(Alignment.UpperRight, Orientation.Horizontal);
            panel.Legend.FontSize = LabelSize - 2;
            panel.Font.Set(ChartFont.Name);
        }
    }

    private static void Draw(SKCanvas canvas, Plot[] panels)
    {
        canvas.Clear(SKColors.White);
        for (var i = 0; i < panels.Length; i++)
        {
            // A plot clears the canvas before it draws, within its clip.
            canvas.Save();
            canvas.ClipRect(SKRect.Create(0, i * PanelHeight, Width, PanelHeight));
            panels[i].Render(canvas, new PixelRect(0, Width, (i + 1) * PanelHeight, i * PanelHeight));
            canvas.Restore();
        }
    }

    private static string Prefix(IReadOnlyList<(string Name, SimulationReport Report)> runs, int run) =>
        runs.Count > 1 ? $"{runs[run].Name}: " : "";

    private static Color ColorOf(int run) => RunColors[run % RunColors.Length];

    private static (double Seconds, string Name) UnitOf(IReadOnlyList<(string Name, SimulationReport Report)> runs) =>
        runs.Max(run => run.Report.Timeline.Rows[^1].Seconds) switch
        {
            <= 900 => (1, "seconds"),
            <= 3 * 3600 => (60, "minutes"),
            <= 4 * 86_400 => (3600, "hours"),
            _ => (86_400, "days"),
        };
}
