using ImageClassifier.Adapters.Onnx.Contract;
using SkiaSharp;

namespace ImageClassifier.Tests.Onnx;

/// <summary>The preprocessing exactly as described, step by step over whole pictures: simple and slow.</summary>
internal static class ReferenceResize
{
    /// <summary>Red, green and blue of the crop, row by row, from 0 to 255.</summary>
    public static double[] Crop(SKBitmap upright, ModelResize resize, int width, int height)
    {
        var picture = OnWhite(upright);
        var shorter = Math.Min(upright.Width, upright.Height);
        picture = resize.Squash
            ? Filter(picture, width, height, resize.Filter)
            : Filter(
                picture,
                Rescale(upright.Width, resize.FilteredSide, shorter),
                Rescale(upright.Height, resize.FilteredSide, shorter),
                resize.Filter);
        if (resize.Prescale is { } prescale)
        {
            picture = Nearest(
                picture,
                Rescale(picture.GetLength(1), resize.ShorterSide, prescale),
                Rescale(picture.GetLength(0), resize.ShorterSide, prescale));
        }

        var (left, top) = ((picture.GetLength(1) - width) / 2, (picture.GetLength(0) - height) / 2);
        var crop = new double[width * height * 3];
        for (var i = 0; i < crop.Length; i++)
        {
            var (pixel, channel) = (i / 3, i % 3);
            crop[i] = Math.Clamp(picture[top + pixel / width, left + pixel % width, channel], 0, 255);
        }

        return crop;
    }

    private static int Rescale(int length, int to, int from) =>
        (int)Math.Floor((double)length * to / from + 0.5);

    private static double[,,] OnWhite(SKBitmap bitmap)
    {
        var picture = new double[bitmap.Height, bitmap.Width, 3];
        var pixels = bitmap.Pixels;
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
            {
                var pixel = pixels[y * bitmap.Width + x];
                var alpha = pixel.Alpha / 255.0;
                picture[y, x, 0] = pixel.Red * alpha + 255 * (1 - alpha);
                picture[y, x, 1] = pixel.Green * alpha + 255 * (1 - alpha);
                picture[y, x, 2] = pixel.Blue * alpha + 255 * (1 - alpha);
            }
        }

        return picture;
    }

    private static double[,,] Filter(double[,,] source, int width, int height, ResizeFilter filter) =>
        Transpose(FilterColumns(Transpose(FilterColumns(source, width, filter)), height, filter));

    private static double[,,] FilterColumns(double[,,] source, int width, ResizeFilter filter)
    {
        var result = new double[source.GetLength(0), width, 3];
        for (var x = 0; x < width; x++)
        {
            var weights = Weights(x, width, source.GetLength(1), filter);
            var total = weights.Sum(weighted => weighted.Weight);
            for (var y = 0; y < source.GetLength(0); y++)
            {
                foreach (var (column, weight) in weights)
                {
                    for (var c = 0; c < 3; c++) result[y, x, c] += weight / total * source[y, column, c];
                }
            }
        }

        return result;
    }

    private static double[,,] Transpose(double[,,] source)
    {
        var result = new double[source.GetLength(1), source.GetLength(0), 3];
        for (var y = 0; y < source.GetLength(0); y++)
        {
            for (var x = 0; x < source.GetLength(1); x++)
            {
                for (var c = 0; c < 3; c++) result[x, y, c] = source[y, x, c];
            }
        }

        return result;
    }

    private static List<(int Index, double Weight)> Weights(
        int pixel, int length, int sourceLength, ResizeFilter filter)
    {
        var scale = (double)sourceLength / length;
        var weights = new List<(int, double)>();
        for (var i = 0; i < sourceLength; i++)
        {
            var distance = Math.Abs(i + 0.5 - (pixel + 0.5) * scale) / Math.Max(1, scale);
            var weight = filter == ResizeFilter.Bicubic ? Keys(distance) : Math.Max(0, 1 - distance);
            if (weight != 0) weights.Add((i, weight));
        }

        return weights;
    }

    /// <summary>Keys' cubic with a = -1/2 as his paper writes it (equation 15).</summary>
    private static double Keys(double s) => s switch
    {
        < 1 => 1.5 * s * s * s - 2.5 * s * s + 1,
        < 2 => -0.5 * s * s * s + 2.5 * s * s - 4 * s + 2,
        _ => 0,
    };

    private static double[,,] Nearest(double[,,] source, int width, int height)
    {
        var result = new double[height, width, 3];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var row = (int)Math.Floor((y + 0.5) * source.GetLength(0) / height);
                var column = (int)Math.Floor((x + 0.5) * source.GetLength(1) / width);
                for (var c = 0; c < 3; c++) result[y, x, c] = source[row, column, c];
            }
        }

        return result;
    }
}
