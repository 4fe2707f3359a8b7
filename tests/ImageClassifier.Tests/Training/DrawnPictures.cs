using SkiaSharp;

namespace ImageClassifier.Tests.Training;

/// <summary>Pictures of ten classes, 64 pixels wide like those of Tiny-ImageNet: coloured shapes of random size and place
/// on a noisy background.</summary>
internal static class DrawnPictures
{
    private const int Side = 64;

    public static IReadOnlyList<string> Classes { get; } =
    [
        "blue circle", "blue square", "checkerboard", "green triangle", "horizontal stripes", "red circle", "red square",
        "vertical stripes", "white ring", "yellow cross",
    ];

    /// <summary>Draws a picture. The same arguments give the same bytes.</summary>
    public static byte[] Draw(int label, int number)
    {
        var random = new Random(label * 1000 + number);
        using var bitmap = new SKBitmap(Side, Side);
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var grey = (byte)random.Next(70, 150);
                bitmap.SetPixel(x, y, new SKColor(grey, grey, grey));
            }
        }

        using (var canvas = new SKCanvas(bitmap)) DrawShape(canvas, label, random);
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        return data.ToArray();
    }

    /// <summary>Writes a folder for each class.</summary>
    public static void Write(string folder, int classes, int pictures)
    {
        for (var label = 0; label < classes; label++)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, Classes[label])).FullName;
            for (var number = 0; number < pictures; number++)
                File.WriteAllBytes(Path.Combine(path, $"{number:000}.jpg"), Draw(label, number));
        }
    }

    private static void DrawShape(SKCanvas canvas, int label, Random random)
    {
        var size = random.Next(14, 24);
        var (x, y) = (random.Next(size, Side - size), random.Next(size, Side - size));
        var shade = (byte)random.Next(180, 256);
        using var paint = new SKPaint { IsAntialias = true };
        paint.Color = Classes[label].Split(' ')[0] switch
        {
            "blue" => new SKColor(20, 40, shade),
            "red" => new SKColor(shade, 30, 20),
            "green" => new SKColor(20, shade, 40),
            "yellow" => new SKColor(shade, shade, 0),
            _ => new SKColor(shade, shade, shade),
        };
        switch (Classes[label].Split(' ')[^1])
        {
            case "circle":
                canvas.DrawCircle(x, y, size, paint);
                break;
            case "square":
                canvas.DrawRect(x - size, y - size, 2 * size, 2 * size, paint);
                break;
            case "triangle":
                canvas.DrawVertices(
                    SKVertexMode.Triangles,
                    [new(x, y - size), new(x - size, y + size), new(x + size, y + size)],
                    [paint.Color, paint.Color, paint.Color],
                    paint);
                break;
            case "cross":
                canvas.DrawRect(x - size, y - 4, 2 * size, 8, paint);
                canvas.DrawRect(x - 4, y - size, 8, 2 * size, paint);
                break;
            case "ring":
                paint.Style = SKPaintStyle.Stroke;
                paint.StrokeWidth = 5;
                canvas.DrawCircle(x, y, size - 3, paint);
                break;
            default:
                DrawPattern(canvas, Classes[label], random.Next(4, 9), paint);
                break;
        }
    }

    private static void DrawPattern(SKCanvas canvas, string name, int step, SKPaint paint)
    {
        for (var row = 0; row * step < Side; row++)
        {
            for (var column = 0; column * step < Side; column++)
            {
                var isFilled = name switch
                {
                    "horizontal stripes" => row % 2 == 0,
                    "vertical stripes" => column % 2 == 0,
                    _ => (row + column) % 2 == 0,
                };
                if (isFilled) canvas.DrawRect(column * step, row * step, step, step, paint);
            }
        }
    }
}
