using System.Globalization;
using SkiaSharp;

namespace ImageClassifier.Training.Reports;

/// <summary>Draws a confusion matrix: a row for each class, a column for each predicted class. The darker a cell, the
/// larger its share of the row. Right answers are blue, wrong ones red.</summary>
public static class ConfusionChart
{
    // More classes have cells of a few pixels, with no room for text.
    private const int MostNamedClasses = 60;

    private const int LargestCell = 48;
    private const int SmallestCell = 4;
    private const int SmallestCellWithCount = 24;
    private const int IdealSide = 960;
    private const float TextSize = 14;
    private const int Margin = 16;
    private const int LongestName = 24;

    private static readonly SKColor Right = new(0x1f, 0x5f, 0xa8);
    private static readonly SKColor Wrong = new(0xc8, 0x30, 0x1e);

    // The program includes a font, because a machine without a screen often has none.
    private static readonly Lazy<SKTypeface> Typeface = new(() =>
    {
        using var font = typeof(ConfusionChart).Assembly.GetManifestResourceStream("DejaVuSans.ttf")!;
        return SKTypeface.FromStream(font);
    });

    /// <summary>Writes the picture as a PNG.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string file, ConfusionMatrix matrix)
    {
        var classes = matrix.Labels.Count;
        var cell = Math.Clamp(IdealSide / classes, SmallestCell, LargestCell);
        using var font = new SKFont(Typeface.Value, Math.Min(TextSize, cell));
        string[] names = classes > MostNamedClasses
            ? []
            : [.. matrix.Labels.Select(Shortened)];
        var widest = names.Length == 0 ? 0 : (int)Math.Ceiling(names.Max(name => font.MeasureText(name)));
        var origin = new SKPointI(Margin * 2 + widest, Margin * 4 + widest);
        var side = cell * classes;

        using var surface = SKSurface.Create(
            new SKImageInfo(Math.Max(origin.X + side + Margin, 620), origin.Y + side + Margin));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        DrawTitle(canvas);
        DrawCells(canvas, matrix, origin, cell, font);
        DrawNames(canvas, names, origin, cell, font);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        using var stream = File.Create(file);
        png.SaveTo(stream);
    }

    private static void DrawTitle(SKCanvas canvas)
    {
        using var font = new SKFont(Typeface.Value, TextSize);
        using var paint = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        canvas.DrawText(
            "Held-out pictures. Row: the class of the folder. Column: the predicted class.",
            Margin, Margin + TextSize, SKTextAlign.Left, font, paint);
    }

    private static void DrawCells(SKCanvas canvas, ConfusionMatrix matrix, SKPointI origin, int cell, SKFont font)
    {
        using var fill = new SKPaint();
        using var text = new SKPaint { IsAntialias = true };
        using var frame = new SKPaint { Color = SKColors.LightGray, Style = SKPaintStyle.Stroke };
        for (var row = 0; row < matrix.Labels.Count; row++)
        {
            var total = Math.Max(1, matrix.Total(row));
            for (var column = 0; column < matrix.Labels.Count; column++)
            {
                var count = matrix[row, column];
                if (count == 0) continue;
                var share = (float)count / total;
                var (x, y) = (origin.X + column * cell, origin.Y + row * cell);
                fill.Color = Mix(row == column ? Right : Wrong, 0.15f + 0.85f * share);
                canvas.DrawRect(x, y, cell, cell, fill);
                if (cell < SmallestCellWithCount) continue;
                text.Color = share > 0.5f ? SKColors.White : SKColors.Black;
                canvas.DrawText(
                    count.ToString(CultureInfo.InvariantCulture),
                    x + cell / 2f, y + cell / 2f + font.Size / 3, SKTextAlign.Center, font, text);
            }
        }

        canvas.DrawRect(
            origin.X, origin.Y, cell * matrix.Labels.Count, cell * matrix.Labels.Count, frame);
    }

    private static void DrawNames(SKCanvas canvas, string[] names, SKPointI origin, int cell, SKFont font)
    {
        using var paint = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        for (var i = 0; i < names.Length; i++)
        {
            var centre = i * cell + cell / 2f + font.Size / 3;
            canvas.DrawText(names[i], origin.X - Margin / 2f, origin.Y + centre, SKTextAlign.Right, font, paint);
            canvas.Save();
            canvas.RotateDegrees(-90, origin.X + centre, origin.Y - Margin / 2f);
            canvas.DrawText(names[i], origin.X + centre, origin.Y - Margin / 2f, SKTextAlign.Left, font, paint);
            canvas.Restore();
        }
    }

    private static SKColor Mix(SKColor color, float share)
    {
        return new SKColor(Part(color.Red), Part(color.Green), Part(color.Blue));

        byte Part(byte full) => (byte)(255 - share * (255 - full));
    }

    private static string Shortened(string label) =>
        label.Length <= LongestName ? label : string.Concat(label.AsSpan(0, LongestName - 1), "…");
}
