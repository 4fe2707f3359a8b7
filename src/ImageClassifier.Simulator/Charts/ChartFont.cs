using ScottPlot;
using SkiaSharp;

namespace ImageClassifier.Simulator.Charts;

/// <summary>The font of all charts. The program includes it, because a machine without a screen often has no font, and
/// charts would have no text.</summary>
internal sealed class ChartFont : IFontResolver
{
    private const string Resource = "ImageClassifier.Simulator.Charts.Fonts.DejaVuSans.ttf";

    private static readonly Lazy<string> Registered = new(Register);

    private readonly SKData _data;

    private ChartFont()
    {
        using var stream = typeof(ChartFont).Assembly.GetManifestResourceStream(Resource)!;
        _data = SKData.Create(stream);
    }

    /// <summary>The name of the font. The first call registers it with the chart library.</summary>
    public static string Name => Registered.Value;

    /// <inheritdoc />
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        // One weight is enough for a chart.
        fontName == "DejaVu Sans" ? SKTypeface.FromData(_data) : null;

    /// <inheritdoc />
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) =>
        CreateTypeface(fontName, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal);

    private static string Register()
    {
        const string Family = "DejaVu Sans";
        ScottPlot.Fonts.FontResolvers.Insert(0, new ChartFont());
        ScottPlot.Fonts.Default = Family;
        return Family;
    }
}
